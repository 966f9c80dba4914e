"""Conformity of a SOFA file, as sofar, which knows the standard's tables, judges it."""

import warnings
from typing import Any

import numpy as np

from auricle.dsp.netcdf.hdf5 import text_of
from auricle.dsp.netcdf.variables import NetcdfFile, NetcdfVariable
from auricle.dsp.sofa.values import conventions, text

_LONGEST = 9  # longer than any axis whose length the standard says


def about_conventions(sofa: NetcdfFile) -> list[str]:
    """Sentences: unknown conventions, preliminary ones, or rules that the file breaks."""
    version = text(sofa, "SOFAConventionsVersion")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # sofar warns of what becomes a finding here
        try:
            made = _sofar_object(sofa)
        except Exception:  # a convention or version that sofar does not know
            told = (
                f"The conventions {conventions(sofa)} are unknown; read by the names of the data."
            )
            return [told]
        if version.startswith("0."):
            return [f"Written to the preliminary conventions {conventions(sofa)}."]
        try:
            issues = made.verify(issue_handling="return", mode="read")
        except Exception as error:  # sofar fails in many ways on a file that breaks its rules
            issues = f"ERROR cannot be verified: {error}"
    if not issues or "ERROR" not in str(issues):
        return []
    lines = [line.strip(" -") for line in str(issues).splitlines()]
    kept = [line for line in lines if line and not (line.isupper() or line.endswith(":"))]
    return ["Breaks its conventions: " + "; ".join(kept[:3]).rstrip(".") + "."]


def _sofar_object(sofa: NetcdfFile) -> Any:
    """The file as an object of sofar; data stand in it by their shapes alone."""
    import sofar

    made = sofar.Sofa(
        text(sofa, "SOFAConventions"), version=text(sofa, "SOFAConventionsVersion"), verify=False
    )
    given = {f"GLOBAL_{name}": _plain(value) for name, value in sofa.attributes.items()}
    kinds: dict[str, tuple[str, str | None]] = {key: ("attribute", None) for key in given}
    for name, variable in sofa.variables.items():
        key = name.replace(".", "_")
        given[key] = _stand_in(variable)
        kinds[key] = ("string" if variable.is_text else "double", "".join(variable.axes))
        for attribute, value in variable.attributes.items():
            if not (attribute.isupper() or attribute.startswith("_")):
                given[f"{key}_{attribute}"] = _plain(value)
                kinds[f"{key}_{attribute}"] = ("attribute", None)
    for key, value in given.items():
        made.protected = False
        if hasattr(made, key):
            setattr(made, key, value)
        else:
            made._add_custom_api_entry(key, value, None, kinds[key][1], kinds[key][0])
    made.protected = False
    for key in [key for key in made.__dict__ if not key.startswith("_") and key not in given]:
        delattr(made, key)
    made.protected = True
    return made


def _stand_in(variable: NetcdfVariable) -> Any:
    """Something of the kind and the axes of a variable; long axes are cut, since sofar copies."""
    whole = variable.shape[:-1] if variable.is_characters else variable.shape
    shape = tuple(min(length, _LONGEST) for length in whole)
    if variable.is_text:
        return np.broadcast_to(np.array("x"), shape or (1,))
    return 0.0 if shape == (1,) else np.broadcast_to(np.float64(0.0), shape)


def _plain(value: Any) -> Any:
    """A text as sofar expects it; anything else as it is, for sofar to object to."""
    return text_of(value) if np.asarray(value).dtype.kind in "SUO" else np.asarray(value)
