"""Russia: names, families, twins, codes and drawings of the signs of GOST R 52290-2004.

Sources: GOST R 52290-2004 with its amendments up to 2020 and the Russian traffic rules, appendix 1;
names are shortened. 4.1.2.1 and 4.1.2.2 are codes of the RTSD data set. No names: direction boards,
some uncommon plates and lane boards, and most of what came with the amendments.
"""

from __future__ import annotations

from raresign.signs.countries.country import Country, both_ways, read_table
from raresign.signs.countries.russia.codes import GRAMMAR
from raresign.signs.countries.russia.drawings import GOST

# Pairs of a sign for the right and one for the left. Not here, though left and right: signs whose
# lettering a mirror would spoil (1.13/1.14, 8.1.3/8.1.4, 8.2.5/8.2.6).
TWINS = (
    ("1.4.1", "1.4.4"),
    ("1.4.2", "1.4.5"),
    ("1.4.3", "1.4.6"),
    ("1.11.1", "1.11.2"),
    ("1.12.1", "1.12.2"),
    ("1.20.2", "1.20.3"),
    ("1.34.1", "1.34.2"),
    ("2.3.2", "2.3.3"),
    ("2.3.4", "2.3.5"),
    ("2.3.6", "2.3.7"),
    ("3.18.1", "3.18.2"),  # the red bar keeps its slant: see `mirror_similarity`
    ("4.1.2", "4.1.3"),
    ("4.1.2.1", "4.1.2.2"),  # plain arrows; no codes of GOST, but of our users' data
    ("4.1.4", "4.1.5"),
    ("4.2.1", "4.2.2"),
    ("4.8.2", "4.8.3"),
    ("5.7.1", "5.7.2"),
    ("5.13.1", "5.13.2"),
    ("5.13.3", "5.13.4"),
    ("5.19.1", "5.19.2"),
    ("6.8.2", "6.8.3"),
    ("6.15.2", "6.15.3"),
    ("8.3.1", "8.3.2"),
    ("8.22.1", "8.22.2"),
)

_HERE = "raresign.signs.countries.russia"

RUSSIA = Country(
    iso="RU",
    title="Russia, GOST R 52290-2004",
    names=read_table(_HERE, "names.json"),
    families=read_table(_HERE, "families.json"),
    twins=both_ways(TWINS),
    grammar=GRAMMAR,
    drawings=GOST,
)
