"""What is decided before anything is scored: no registry, the same model, or one that can't judge these chips."""

from collections.abc import Sequence

from mining_the_mines.registry.champion import RegistryView
from mining_the_mines.registry.package import StoredPackage
from mining_the_mines.registry.promotion import Decision, conclude, undecided
from mining_the_mines.registry.settings import RegistrationSettings


def decide_beforehand(
    package: StoredPackage, registry: RegistryView, bands: Sequence[str], settings: RegistrationSettings
) -> Decision | None:
    """Decide what needs no scores.

    Args:
        package: The challenger.
        registry: What was found under its name.
        bands: Of the test chips.
        settings: What it takes to win.

    Returns:
        The decision; ``None`` if the two have to be compared, or if there is no champion.
    """
    if registry.silent:
        return undecided(f"Nothing is known of a champion: {registry.silent}", settings)
    champion = registry.champion
    if champion is None:
        return None
    if champion.content_hash == package.content_hash:
        reason = f"This very model is the champion already, as version {champion.version}."
        return conclude(reason, champion.version, settings)
    missing = [band for band in champion.model.chips.bands if band not in bands]
    way_out = "give the alias champion to another version by hand, if this one is to give way"
    if missing:
        reason = f"Version {champion.version} wants {', '.join(missing)}, which these chips lack: {way_out}."
        return undecided(reason, settings, champion.version)
    sizes = (champion.model.window, package.description.chip_size)
    if package.description.task == "classification" and sizes[0] != sizes[1]:
        reason = f"Version {champion.version} judges chips of {sizes[0]} pixels, and these have {sizes[1]}: {way_out}."
        return undecided(reason, settings, champion.version)
    return None
