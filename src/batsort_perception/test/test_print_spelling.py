"""Text made comparable."""

from batsort_perception.print_spelling import distance, fold


def test_folding_keeps_other_scripts_and_drops_accents():
    assert fold("Élément ﾆｯｹﾙ水素 Li\u2013Ion") == "element ニッケル水素 li-ion"


def test_distance_is_to_the_best_part():
    assert distance("alkaline", "xxalkalinexx") == 0
    assert distance("alkaline", "ulkalinebattery") == 1
    assert distance("abc", "") == 3
