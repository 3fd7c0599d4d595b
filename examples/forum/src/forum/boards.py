"""The boards: a fixed table, in the order of the front page."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Board:
    """One board; the slug is its place in addresses and in channel names."""

    slug: str
    name: str
    about: str


BOARDS = {
    board.slug: board
    for board in (
        Board("dogs", "Dogs", "Walks, wet paws and who ate the sofa."),
        Board("cats", "Cats", "They let us live here. Notes on the arrangement."),
        Board("gardens", "Gardens", "Seeds to swap, slugs to outwit."),
        Board("kitchen", "Kitchen", "What is in the oven, and what went wrong with it."),
        Board("bicycles", "Bicycles", "Good roads, bad bearings, Sunday rides."),
        Board("books", "Books", "What to read next, and what to leave."),
    )
}
