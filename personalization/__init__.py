"""Models that predict a listener's HRTF, the data they learn from, and how they are judged.

The models need torch (``pip install torch``); ``datasets``, ``metrics``, ``listeners`` and what
completes a measured set do not. A folder imports only those above it in this list.

model_files  Files of trained models, as they ship; docs/models says what each was made of
datasets     Data sets of listeners, as the laboratories publish them; NumPy alone, no torch
learning     The common ground of models: training loop, weights on disk, kept results
listeners    Groups of listeners as models see them: features, pooled laboratories, those that ship
metrics      Judgements of a personal set beyond its raw errors; NumPy and SciPy alone, no torch
sparse       A whole HRTF from a few measured directions
endtoend     End-to-end rendering: a mono signal, a pose and a listener in, binaural sound out
"""
