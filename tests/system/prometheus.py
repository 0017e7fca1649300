# SPDX-License-Identifier: Apache-2.0
"""The text format of Prometheus, read as strictly as promtool does."""
import re

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_SAMPLE = re.compile(rf"({_NAME})(?:\{{(.*)\}})? (-?[0-9.]+(?:e[+-]?[0-9]+)?)")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)')


def labels_of(text):
    labels, at = {}, 0
    while at < len(text):
        found = _LABEL.match(text, at)
        assert found, f"labels {text!r}"
        assert found[1] not in labels, f"{found[1]} twice in {text!r}"
        labels[found[1]] = found[2]
        at = found.end()
    return tuple(sorted(labels.items()))


class Scrape:
    def __init__(self, text):
        """Fails where promtool check metrics would."""
        self.types, self.values = {}, {}
        name = None
        assert text.endswith("\n")
        for line in text.splitlines():
            words = line.split(" ", 3)
            if words[:2] == ["#", "HELP"]:
                name = words[2]
                assert name not in self.types, f"{name} comes twice"
                assert len(words) == 4 and words[3].strip(), f"{name} has no help"
                self.types[name] = None
            elif words[:2] == ["#", "TYPE"]:
                assert words[2] == name and self.types[name] is None, line
                assert words[3] in ("counter", "gauge"), line
                assert name.endswith("_total") == (words[3] == "counter"), f"{name} is a {words[3]}"
                self.types[name] = words[3]
            else:
                self._read_sample(line, name)
        sampled = {name for name, _ in self.values}
        assert sampled == set(self.types), f"without samples: {set(self.types) - sampled}"

    def _read_sample(self, line, name):
        found = _SAMPLE.fullmatch(line)
        assert found, line
        assert found[1] == name and self.types[name], f"{line} is not below its type"
        key = (name, labels_of(found[2] or ""))
        assert key not in self.values, f"{line} comes twice"
        self.values[key] = float(found[3])
        assert self.values[key] >= 0, line

    def get(self, name, /, **labels):
        return self.values[(name, tuple(sorted(labels.items())))]

    def sum(self, name):
        return sum(value for (one, _), value in self.values.items() if one == name)
