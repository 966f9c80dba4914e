"""From a set to the tables that are rendered: seconds of work, off the audio path.

basis             A few filters and gains whose sums have the magnitudes of all responses
cache             Prepared sets kept on disk
filter_rate       Causal filters at another rate: fitted once
full_rank         The tables of full rank: responses aligned as measured, a bus a tap
low_rank          The low-rank tables of a set: delays, gains and filters over a refined mesh
octave_weighting  Weights of a least-squares fit that make levels right octave by octave
played            The responses that the engine really plays: of its tables
played_errors     Errors of the responses that are played: in numbers, in a sentence
prepare           An HRTF set made ready to render: a mesh, a table of gains and delays
prepared_set      A prepared set: a mesh, tables of gains and delays over it, and the bus filters
rank_choice       The fewest buses that play a set as it should be played
shipped           Writes the prepared sets of the default listener that ship, for 44.1 and 48 kHz
"""
