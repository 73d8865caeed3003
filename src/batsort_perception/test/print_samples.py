"""Print as it stands on batteries, read as a test says."""

import numpy as np

from batsort_perception.print_text import interpret
from batsort_perception.printed import Line, Print

BOX = np.array([[0, 0], [10, 0], [10, 5], [0, 5]], np.float32)


def read(*texts: str, confidence: float = 0.99) -> Print:
    """What lines say that were all read as surely."""
    return interpret([Line(text, confidence, BOX) for text in texts])


def chemistry(*texts: str, confidence: float = 0.99) -> str | None:
    """The one that they say."""
    found = read(*texts, confidence=confidence).chemistry
    return found and found.value


def value(finding: object) -> str | None:
    """Of a finding, if it is one."""
    return getattr(finding, "value", None)


CHEMISTRIES = {
    "li_ion": [
        "Li-ion",
        "LI-ION",
        "Li-lon",
        "Li-1on",
        "Liion",
        "Li Ion 3.7V",
        "Lithium-Ion",
        "Lithium lon",
        "LITHIUMION",
        "Lithium-Ionen-Akku",
        "batterie lithium-ion rechargeable",
        "ion de litio",
        "batería de iones de litio",
        "ioni di litio",
        "Li-Po 3.7V",
        "Lithium Polymer",
        "ICR18650-26F",
        "INR18650-25R",
        "INR 21700",
        "1NR18650",
        "IMR18650",
        "ICR 18/65",
        "INR19/66",
        "CMICR18650F5",
        "NCR18650B",
        "US18650VTC6",
        "LIR14500",
        "18650UR26",
        "Rechargeable Li-ion Battery with Protection",
        "锂离子电池",
        "1.5V Li-ion AA",
        "full charge 4.2V",
        "4.2V and 2.75V",
    ],
    "lifepo4": [
        "LiFePO4",
        "LiFePo4 3.2V",
        "LIFEP04",
        "Li-FePO4",
        "IFR18650",
        "IFR26650 3.2V",
        "IFR14500",
        "Lithium Iron Phosphate",
        "Lithium-Eisen-Phosphat",
    ],
    "lithium": [
        "ULTIMATE LITHIUM",
        "ULTIMATELITHIUM",
        "LITHIUM 1.5V",
        "Lithium battery 3V",
        "CR123A",
        "CR2032 3V",
        "CR2",
        "CR17345",
        "2CR5",
        "FR6",
        "FR03 1.5V",
        "BR-2/3A",
        "BR2032",
        "ER14505",
        "LS14500",
        "Li/FeS2",
        "Li-MnO2",
        "Li-SOCl2 3.6V",
        "Energizer LITHIUM",
        "Energizer L91",
    ],
    "nimh": [
        "Ni-MH",
        "NiMH",
        "NIMH AA2000mAh 1.2V",
        "NL-MH",
        "Ni MH",
        "2100mAhNiMH",
        "Nickel-Metal Hydride",
        "NICKEL METAL HYDRIDE",
        "Nickel-Metallhydrid",
        "NICKEL-HYDRURE MÉTALLIQUE",
        "HR6",
        "HRO3/NIMH.1.2V/900mAh",
        "HR6 1.2V",
        "HR15/51",
        "HHR-450A",
        "Rechargeable 1.2V",
        "wiederaufladbar 1,2 V",
        "eneloop",
        "LADDA 2450",
    ],
    "nicd": [
        "Ni-Cd",
        "NiCd AA1000mAh 1.2V",
        "EXELL Ni-CD AA1000MAh 1.2V",
        "NICAD",
        "Nickel Cadmium",
        "NICKEL-CADMIUM BATTERY (KR)",
        "Nickel-Kadmium",
        "KR6",
        "Cadnica",
    ],
    "alkaline": [
        "ALKALINE BATTERY",
        "Alkaline",
        "ALCALINE",
        "PILE ALCALINE",
        "PILA ALCALINA",
        "Alkali-Mangan",
        "Alkalisch",
        "ALKALISK",
        "PILLALCALINE",
        "ULKALINEBATTERY",
        "ALKA1INE",
        "DURACELLALKALINE",
        "Rechargeable alkaline 1.5V",
        "LR6",
        "LR03",
        "LRO3",
        "LR14",
        "LR20",
        "1.5VLR6",
        "15A LR6 SIZE/FORMAT AA 1.5V",
        "6LR61",
        "MN1500",
        "MN2400",
        "Energizer E91",
        "Energizer MAX",
        "Energizer MAXPLUS",
        "DURACELL PLUS",
        "碱性电池",
        "アルカリ乾電池",
    ],
    "zinc_carbon": [
        "ZINC CARBON",
        "Carbon Zinc",
        "Carbone-Zinc",
        "Zink-Kohle",
        "zinc chloride",
        "SUPER HEAVY DUTY",
        "R6P 1.5V",
        "UM-3 1.5V",
    ],
}
"""What says each of them by itself."""
