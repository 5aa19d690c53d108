"""Evidence sheets: a page about a site that can be handed over, with all that proves what it stands on."""
