"""Bugs in what is kept of pages whose clients keep no positions."""

from simulation.planting import plant

TAB_PLANTS = (
    plant(
        "the pong of another connection moves a cursor",
        (
            "broker.memory.tabs:TabStore.save",
            "row = rows.get(write.session)",
            "row = rows.get(write.session) or next(reversed(rows.values()), None)",
        ),
    ),
    plant(
        "a start is stored after the client was told",
        (
            "core.tab:Tab.lacks_start",
            "if channel in self._starting:",
            "return False\n    if False:",
        ),
    ),
    plant(
        "the unproven tail is not sent again",
        (
            "core.tab:Tab.ping",
            "barrier.append((subscription, position))",
            (
                "barrier.append((subscription, position))\n"
                "            self.cursors[subscription.channel] = position\n"
                "            self._changed[subscription.channel] = None"
            ),
        ),
    ),
    plant(
        "unsubscribing keeps the cursor",
        ("core.tab:Tab.forget", "self._remove(subscription.channel)", "pass"),
    ),
    plant(
        "pages with one identity replace each other",
        ("broker.memory.tabs:TabStore.claim", "rows if traits.is_shared else {}", "{}"),
    ),
    plant(
        "a replaced row is made again without asking the page",
        (
            "core.tab:Tab.written",
            "self._is_doubted = result is Written.REPLACED",
            "self._is_doubted = False",
        ),
    ),
    plant(
        "a page that is sent nothing does not find out that it was replaced",
        ("node.tabs:Tabs._verify", "tab.verify()", "pass"),
    ),
    plant(
        "who has another page's cursors is not told when that is known",
        ("broker.memory.tabs:_owe_gaps", "row.owes_gaps = True", "pass"),
    ),
    plant(
        "who finds out that it is not alone has no gap itself",
        (
            "core.tab:Tab.prove",
            "self.owes_gaps = True",
            "self.traits = replace(self.traits, is_shared=True)",
        ),
    ),
    plant(
        "a page of which nothing is known is new",
        (
            "core.tab:Tab.claim",
            "is_lost = not self.is_new or self.began_at <= since",
            "is_lost = False",
        ),
    ),
    plant(
        "a young page of which the broker has lost everything is new",
        ("core.tab:Tab.claim", " or self.began_at <= since", ""),
    ),
    plant(
        "a window that has passed is not told",
        ("node.replicas.attaching:Attachments._admit", "if start.reason is not None:", "if False:"),
    ),
    plant(
        "cursors are not written when nothing new is proven later",
        ("node.tabs:Tabs.reached", "self._later[tab] = None", "pass"),
    ),
    plant(
        "a row that could not be written is forgotten",
        (
            "node.tabs:Tabs._save",
            "tab.unwritten(write)\n            self._later[tab] = None",
            "pass",
        ),
    ),
    plant(
        "a page is sent again what its own socket was excluded from",
        (
            "core.session:Session.ids",
            "(*own, *self.tab.earlier_sessions)",
            "own",
        ),
    ),
)
