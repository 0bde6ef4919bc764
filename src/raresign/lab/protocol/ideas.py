"""Ideas for an ablation: what each changes in a recipe, and the rows that judge them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from raresign.errors import InputError
from raresign.files import read_text
from raresign.parsing import MAX_YAML_BYTES, parse_yaml
from raresign.synthesis.validation import validation_problem
from raresign.training.recipe import Recipe, load_recipe

REFERENCE = "reference preset and recipe"
BASE, CEILING, ALL = "base", "ceiling: real crops of the classes that play rare", "all kept ideas"


class Idea(BaseModel):
    """One change of a recipe."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = Field(min_length=1, max_length=80)
    stage: dict[str, Any] = Field(default_factory=dict)
    """Settings of every stage."""
    recipe: dict[str, Any] = Field(default_factory=dict)
    """Settings of the recipe."""
    then: tuple[dict[str, Any], ...] = ()
    """Stages that are appended."""
    keep: bool = False
    """Whether it is one of "all"."""


def load_ideas(source: str | Path = "ideas") -> tuple[Idea, ...]:
    """Ideas from a YAML file: a list of mappings with the fields of `Idea`.

    Args:
        source: The file; "ideas" for the list that comes with the package.

    Raises:
        InputError: No such file, not such a list, or a title that stands twice.
    """
    where = str(source)
    path = Path(__file__).with_name("ideas.yaml") if where == "ideas" else Path(source)
    try:
        rows = parse_yaml(read_text(path, MAX_YAML_BYTES))
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read the ideas {where}: {error}") from error
    if not isinstance(rows, list) or not rows:
        raise InputError(f"{where}: a list of ideas is needed", "see docs/recipes.md")
    try:
        ideas = tuple(Idea.model_validate(row) for row in rows)
    except ValidationError as error:
        raise InputError(f"{where}: {validation_problem(error, Idea)}") from error
    titles = [idea.title for idea in ideas]
    twice = sorted({title for title in titles if titles.count(title) > 1})
    if twice:
        raise InputError(f"{where}: ideas stand twice: {', '.join(twice)}", "give each a title")
    return ideas


def with_ideas(recipe: Recipe, ideas: Sequence[Idea]) -> Recipe:
    """The recipe with the changes of all `ideas`, each checked as in a YAML file.

    Raises:
        InputError: An idea names a setting that does not exist or does not fit.
    """
    values = recipe.model_dump(mode="json")
    for idea in ideas:
        values.update(idea.recipe)
        values["stages"] = [{**stage, **idea.stage} for stage in values["stages"]]
    for idea in ideas:
        values["stages"] += [dict(stage) for stage in idea.then]
    return load_recipe(values)


def rows_of_ideas(recipe: Recipe, ideas: Sequence[Idea]) -> Mapping[str, Recipe]:
    """Title -> recipe: the base, each idea alone, all kept ones, all kept ones minus each.

    Example:
        >>> recipe = load_recipe({"stages": [{"use": "mixed", "steps": 5}]})
        >>> kept = [Idea(title=t, stage=s, keep=True)
        ...         for t, s in (("a", {"averaging": 0.0}), ("b", {"prior": "domain"}))]
        >>> list(rows_of_ideas(recipe, kept))
        ['base', 'a', 'b', 'all kept ideas', 'all but a', 'all but b']
    """
    rows = {BASE: recipe}
    rows.update({idea.title: with_ideas(recipe, [idea]) for idea in ideas})
    kept = [idea for idea in ideas if idea.keep]
    if len(kept) > 1:
        rows[ALL] = with_ideas(recipe, kept)
        for idea in kept:
            rest = [other for other in kept if other is not idea]
            rows[f"all but {idea.title}"] = with_ideas(recipe, rest)
    return rows
