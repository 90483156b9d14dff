"""What texts think of each entity: counts, figures with intervals, a page."""
