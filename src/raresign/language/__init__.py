"""The language in which raresign speaks to people: English, or Russian by `ru.po`."""
