"""What is inside a battery, as standards and recyclers tell it apart."""

from enum import StrEnum


class Chemistry(StrEnum):
    """Electrochemical systems of household cells (IEC 60086-1 and IEC 61960-3)."""

    LI_ION = "li_ion"
    """Rechargeable lithium-ion: 3.6 or 3.7 V."""
    LIFEPO4 = "lifepo4"
    """Rechargeable lithium iron phosphate: 3.2 V."""
    LITHIUM = "lithium"
    """Lithium primary: 1.5 V (iron disulphide) or 3 V (manganese dioxide)."""
    NIMH = "nimh"
    NICD = "nicd"
    ALKALINE = "alkaline"
    ZINC_CARBON = "zinc_carbon"

    @property
    def in_words(self) -> str:
        """For people."""
        return _TITLES[self]


_TITLES = {
    Chemistry.LI_ION: "Li-ion",
    Chemistry.LIFEPO4: "LiFePO4",
    Chemistry.LITHIUM: "lithium primary",
    Chemistry.NIMH: "Ni-MH",
    Chemistry.NICD: "Ni-Cd",
    Chemistry.ALKALINE: "alkaline",
    Chemistry.ZINC_CARBON: "zinc carbon",
}

RECHARGEABLE_LITHIUM = frozenset({Chemistry.LI_ION, Chemistry.LIFEPO4})
"""A fire in a bin of anything else."""
