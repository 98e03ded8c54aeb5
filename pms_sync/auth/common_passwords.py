"""Common passwords: what attackers try first, as words that are recognised under the usual disguises; pure.

A list of whole passwords would have to hold every year and every exclamation mark. Here a password is undressed first:
case, digits and signs at its ends, and letters written as digits are taken off, and what remains is looked up.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

# Whole passwords, and the words most others are made of. Only words from which eight characters are often made.
_WORDS = frozenset(
    """
    aaaa abc abcd abcdef abcdefg abcdefgh access admin adminadmin administrator adminpassword adobe airbnb alexander
    alexandra amanda amsterdam andrea andrew angel angels anthony apple arsenal asdf asdfasdf asdfgh asdfghjk asdfghjkl
    ashley august autumn awesome azerty azertyuiop baby babygirl badboy bailey banana barcelona baseball basketball
    batman beach beautiful berlin bienvenido bigdaddy blahblah blessed blink bonjour booking bookings boomer boston
    brandon bubbles bulldog business buster butterfly calendar carlos changeit changeme channelmanager charlie charlotte
    cheese chelsea chester chicago chicken chocolate christian christmas computer consumer contrasena cookie corvette
    cowboy cowboys dallas daniel danielle december default defaultpassword demo demodemo diamond dolphin donald donkey
    dragon eagles elephant elizabeth emmanuel england enter estrella everton expedia facebook familia family february
    ferrari flower flowers football forever formula france freedom friday friend friends frontdesk frontoffice galaxy
    garfield gateway george german ginger giovanni goldfish golfer google guest guestguest guitar gunner hallo hammer
    hannah happy harley hello hellohello helloworld holiday hospitality hotel hotelhotel hotelpassword housekeeping
    hunter iceman iloveu iloveyou internet isabella jackson january jasmine jennifer jessica jesus jonathan jordan
    joseph joshua junior justin katherine killer kitten ladybug lakers lauren letmein letmeinnow liberty liverpool
    logitech london lovelove lovely loveme madrid maggie maintenance manager manchester marina marlboro martin master
    matrix matthew maverick melissa mercedes merlin metallica michael michelle mickey midnight minecraft monday monica
    monkey monster morgan mustang mypassword myspace naruto nicholas nicole nintendo nothing november october office
    oracle orange paradise paris passpass passphrase passw passwd password passwordhotel passwordpassword passwort
    patrick peanut pepper phoenix playboy pms pmspms pmssync pokemon porsche portugal precious princesa princess
    property purple pussycat qazwsx qazwsxedc qqqqqqqq qwer qwerasdf qwerqwer qwert qwerty qwertyqwerty qwertyui
    qwertyuiop qwertz qwertzui rachel rainbow ranger rebecca receptie reception redskins reservation reservations resort
    richard robert ronaldo roomservice root samantha samsung sandra saturday scooter scorpion sebastian secret
    secretsecret september service shadow shannon silver skywalker slipknot smokey snoopy soccer soleil sophie spiderman
    spring starwars steelers stephanie strawberry student summer sunday sunflower sunset sunshine superman supervisor
    support swordfish system teacher temp temporary tennis test tester testing testtest thomas thunder tigger tinkerbell
    toor tottenham trinity trustno trustnoone twilight unicorn user username vacation vanessa vanilla victoria viewer
    viking volleyball warrior welcome welcomeback whatever william winner winston winter wizard wordpass wrestling
    xxxxxxxx yamaha yankees yourpassword zaqwsx zaqxsw zxcv zxcvbn zxcvbnm zxcvzxcv
    """.split()
)
_LETTERS_FOR_SIGNS = str.maketrans("013457@$!|", "oleastasil")
_RUNS = ("01234567890123456789", "98765432109876543210", "abcdefghijklmnopqrstuvwxyz", "qwertyuiopasdfghjklzxcvbnm",
         "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p", "1q2w3e4r5t6y7u8i9o0p", "147258369147258369", "13579246801357924680",
         "1029384756", "zaq12wsxcde34rfvbgt56yhn", "q1w2e3r4t5y6u7i8o9p0")  # fmt: skip
_SHORT_CYCLE = 4


def is_common(password: str, about: Iterable[str | None] = ()) -> bool:
    """Tell whether the password is a common one, a run of keys, a short piece repeated, or made of words `about`."""
    plain = unicodedata.normalize("NFKC", password).casefold()
    if _repeats(plain) or any(plain in run for run in _RUNS):
        return True
    known = _WORDS | {word for text in about if text for word in _words_of(text)}
    return any(form in known for form in _undressed(plain))


def _undressed(plain: str) -> set[str]:
    """Return the password without its ends, without anything but letters, and both with signs read as letters."""
    spelt = plain.translate(_LETTERS_FOR_SIGNS)
    bare = _trimmed(plain)
    return {plain, spelt, bare, bare.translate(_LETTERS_FOR_SIGNS), _letters(plain), _letters(spelt), _trimmed(spelt)}


def _trimmed(text: str) -> str:
    start, end = 0, len(text)
    while start < end and not text[start].isalpha():
        start += 1
    while end > start and not text[end - 1].isalpha():
        end -= 1
    return text[start:end]


def _letters(text: str) -> str:
    return "".join(character for character in text if character.isalpha())


def _words_of(text: str) -> set[str]:
    """Return the words of a name or address, and what stands before the `@`."""
    lower = unicodedata.normalize("NFKC", text).casefold()
    words = "".join(character if character.isalnum() else " " for character in lower).split()
    return {lower, _letters(lower.partition("@")[0]), _letters(lower), *map(_letters, words)} - {""}


def _repeats(text: str) -> bool:
    """Tell whether a piece of at most four characters fills the whole."""
    return any(text == (text[:size] * len(text))[: len(text)] for size in range(1, _SHORT_CYCLE + 1))
