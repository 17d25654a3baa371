"""Writes data.rs, the prefix table, from libphonenumber's metadata.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install phonenumbers==9.0.43
    /tmp/venv/bin/python generate.py > data.rs

The metadata says, for each region and kind of number, which national numbers are assigned: a regular
expression and a list of lengths. We read every expression as an automaton, run those of one calling code
side by side over all numbers of one length, and write down each number at which region or kind changes.
A number that is not assigned, so far, takes the kind of most assigned numbers that begin as it does.
Its region is the one to which the metadata gives its leading digits (876 to Jamaica), else the main one of
its calling code: 07700 900123 is British, though all of 07700 that is assigned is Jersey's. But where numbers
of other lengths are assigned under the first two digits, and none of this length, a digit is missing or too
many; and where no assigned number begins with 0, a 0 is a trunk prefix left in.

Needs Python 3.11 or later (for `re._parser`) and nothing but `phonenumbers`. Same version, same output.
"""

import functools
import re
import sys
from collections import Counter
from random import Random
from re import _parser

import phonenumbers
from phonenumbers import (
    COUNTRY_CODE_TO_REGION_CODE,
    PhoneMetadata,
    PhoneNumber,
    PhoneNumberFormat,
    PhoneNumberType,
)

VERSION = "9.0.43"

# In the order in which libphonenumber asks (`number_type`); the first that matches wins. Lines come last.
KINDS = [
    ("premium_rate", "Premium"),
    ("toll_free", "TollFree"),
    ("shared_cost", "SharedCost"),
    ("voip", "Voip"),
    ("personal_number", "Personal"),
    ("pager", "Pager"),
    ("uan", "Uan"),
    ("voicemail", "Voicemail"),
    ("fixed_line", "Fixed"),
    ("mobile", "Mobile"),
]
E164_DIGITS = range(7, 16)  # what plugin-api's Phone accepts, calling code included
LENGTH_DEPTH = 2  # national digits that decide whether a length is wrong
SAMPLES = 2000  # numbers of each region, from which the share of unclear ones is estimated


class Pattern:
    """A regular expression over digits as a finite automaton, determinised as it is walked."""

    def __init__(self, text):
        self.free = []  # state -> states reached without a digit
        self.moves = []  # state -> [(digits, state)]
        start = self.state()
        self.end = self.build(_parser.parse(text), start)
        self.start = self.closure([start])
        self.step = functools.cache(self.step)

    def state(self):
        self.free.append([])
        self.moves.append([])
        return len(self.free) - 1

    def build(self, items, at):
        for op, value in items:
            at = getattr(self, str(op).lower())(value, at)
        return at

    def literal(self, value, at):
        return self.move({value - ord("0")}, at)

    def in_(self, items, at):
        digits = set()
        for op, value in items:
            match str(op):
                case "LITERAL":
                    digits.add(value - ord("0"))
                case "RANGE":
                    digits.update(range(value[0] - ord("0"), value[1] - ord("0") + 1))
                case "CATEGORY":
                    assert str(value) == "CATEGORY_DIGIT"
                    digits.update(range(10))
                case other:
                    raise ValueError(other)
        return self.move(digits, at)

    def branch(self, value, at):
        end = self.state()
        for alternative in value[1]:
            start = self.state()
            self.free[at].append(start)
            self.free[self.build(alternative, start)].append(end)
        return end

    def subpattern(self, value, at):
        return self.build(value[-1], at)

    def max_repeat(self, value, at):
        least, most, items = value
        for _ in range(least):
            at = self.build(items, at)
        end = self.state()
        self.free[at].append(end)
        for _ in range(most - least):
            at = self.build(items, at)
            self.free[at].append(end)
        return end

    def move(self, digits, at):
        to = self.state()
        self.moves[at].append((digits, to))
        return to

    def closure(self, states):
        seen, todo = set(states), list(states)
        while todo:
            for state in self.free[todo.pop()]:
                if state not in seen:
                    seen.add(state)
                    todo.append(state)
        return frozenset(seen)

    def step(self, states, digit):
        return self.closure([to for state in states for digits, to in self.moves[state] if digit in digits])


setattr(Pattern, "in", Pattern.in_)
Pattern.of = functools.cache(Pattern)


class CallingCode:
    """All numbers of one calling code, which several regions may share; the first is the main one."""

    def __init__(self, code):
        self.code = code
        self.regions = COUNTRY_CODE_TO_REGION_CODE[code]
        self.metadata = [PhoneMetadata.metadata_for_region_or_calling_code(code, r) for r in self.regions]
        self.described = []  # (region, kind, lengths), beside self.patterns
        self.patterns = []
        for region, metadata in zip(self.regions, self.metadata):
            for attribute, kind in [("general_desc", None), *KINDS]:
                described = getattr(metadata, attribute)
                if described is None or not described.national_number_pattern:
                    continue
                lengths = described.possible_length or metadata.general_desc.possible_length
                if lengths == (-1,):
                    continue
                self.described.append((region, kind, frozenset(lengths)))
                self.patterns.append(Pattern.of(described.national_number_pattern))
        self.start = tuple(pattern.start for pattern in self.patterns)
        self.meaning = functools.cache(self.meaning)
        self.step = functools.cache(self.step)
        self.assigned = functools.cache(self.assigned)

    def step(self, states, digit):
        return tuple(p.step(s, digit) if s else s for p, s in zip(self.patterns, states))

    def meaning(self, states, length):
        """(region, kind) of the national number that led to `states`; None if it is not assigned."""
        matched = {
            (region, kind)
            for pattern, reached, (region, kind, lengths) in zip(self.patterns, states, self.described)
            if pattern.end in reached and length in lengths
        }
        for region, metadata in zip(self.regions, self.metadata):
            if (region, None) not in matched:
                continue
            kind = next((kind for _, kind in KINDS if (region, kind) in matched), None)
            if kind == "Fixed" and ((region, "Mobile") in matched or metadata.same_mobile_and_fixed_line_pattern):
                kind = "FixedOrMobile"
            if kind:
                return region, kind
        return None

    def assigned(self, states, at, length):
        """How many assigned numbers of `length` digits lie below `states`, by (region, kind)."""
        if not any(states):
            return Counter()
        if at == length:
            meaning = self.meaning(states, length)
            return Counter([meaning] if meaning else [])
        total = Counter()
        for digit in range(10):
            total.update(self.assigned(self.step(states, digit), at + 1, length))
        return total

    def rows(self, length):
        """[(first number, meaning)] for the numbers of `length` national digits, in order; a meaning of None
        says that no number of this length begins so."""
        rows = []

        def walk(states, digits, inherited):
            found = self.assigned(states, len(digits), length)
            if found:
                meaning = max(sorted(found), key=found.get)
            elif digits == "0" or (
                len(digits) <= LENGTH_DEPTH and self.assigned_at_any_length(states, len(digits))
            ):
                meaning = None
            else:
                meaning = inherited and (self.region_by_leading_digits(digits), inherited[1])
            if len(found) > 1 or (len(digits) < LENGTH_DEPTH and any(states)):
                for digit in range(10):
                    walk(self.step(states, digit), digits + str(digit), meaning)
            elif not rows or rows[-1][1] != meaning:
                rows.append((int(f"{self.code}{digits:0<{length}}"), meaning))

        walk(self.start, "", None)
        assert rows[0][0] == int(f"{self.code}{'0' * length}"), "a calling code's numbers must begin with a row"
        return rows

    def region_by_leading_digits(self, digits):
        for region, metadata in zip(self.regions, self.metadata):
            if metadata.leading_digits and re.match(metadata.leading_digits, digits):
                return region
        return self.regions[0]

    def assigned_at_any_length(self, states, at):
        return any(self.assigned(states, at, length) for length in self.lengths() if length >= at)

    def lengths(self):
        """The national lengths that libphonenumber calls possible, as far as E.164 has room for them."""
        possible = self.metadata[0].general_desc.possible_length
        return [length for length in sorted(possible) if len(str(self.code)) + length in E164_DIGITS]


def trunk(region):
    """The trunk prefix as written before a mobile number of the region (before a landline's, if none)."""
    metadata = PhoneMetadata.metadata_for_region(region)
    if metadata is None:  # no region's: +800, +881 and the like
        return ""
    for kind in (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE):
        example = phonenumbers.example_number_for_type(region, kind)
        if example is None:
            continue
        significant = phonenumbers.national_significant_number(example)
        written = re.sub(r"\D", "", phonenumbers.format_number(example, PhoneNumberFormat.NATIONAL))
        # Argentina alone writes a mobile number with a digit moved (9 11 ... as 011 15 ...): no plain prefix.
        return written.removesuffix(significant) if written.endswith(significant) else ""
    return metadata.national_prefix or ""


def unclear(region):
    """Of a thousand mobile numbers of the region written as bare national digits, how many are the number of
    another line as well if the first digits are taken for a calling code. Sampled: every number of the
    region is as likely as any other."""
    metadata = PhoneMetadata.metadata_for_region(region)
    described = next(d for d in (metadata.mobile, metadata.fixed_line) if d and d.possible_length != (-1,))
    pattern = Pattern.of(described.national_number_pattern)
    lengths = described.possible_length or metadata.general_desc.possible_length
    code = phonenumbers.country_code_for_region(region)
    random = Random(region)
    both = 0
    for _ in range(SAMPLES):
        national = draw(pattern, lengths, random)
        bare = PhoneNumber(country_code=code, national_number=int(national),
                           italian_leading_zero=True if national.startswith("0") else None)
        try:
            other = phonenumbers.parse("+" + national)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(other) and other != bare:
            both += 1
    return round(1000 * both / SAMPLES)


def draw(pattern, lengths, random):
    """A number of the pattern, each as likely as any other."""
    totals = [count(pattern, pattern.start, length) for length in lengths]
    left = random.choices(lengths, totals)[0]
    states, digits = pattern.start, ""
    while left:
        left -= 1
        steps = [pattern.step(states, digit) for digit in range(10)]
        digit = random.choices(range(10), [count(pattern, step, left) for step in steps])[0]
        states, digits = steps[digit], digits + str(digit)
    return digits


@functools.cache
def count(pattern, states, length):
    """How many numbers of `length` further digits the pattern has from these states."""
    if not states or length == 0:
        return int(pattern.end in states)
    return sum(count(pattern, pattern.step(states, digit), length - 1) for digit in range(10))


def main():
    if phonenumbers.__version__ != VERSION:
        sys.exit(f"this is phonenumbers {phonenumbers.__version__}; install {VERSION}, or change VERSION")
    codes = [CallingCode(code) for code in sorted(COUNTRY_CODE_TO_REGION_CODE)]
    regions = sorted(phonenumbers.SUPPORTED_REGIONS)
    rows = sorted(row for code in codes for length in code.lengths() for row in code.rows(length))

    print(f"""\
//! The prefix table. Generated by generate.py from libphonenumber's metadata, release {VERSION} (by way of
//! PyPI's `phonenumbers`, Apache-2.0): change the generator, not this file.
//! {len(rows)} rows, {len(codes)} calling codes, {len(regions) + 1} regions.

use super::Kind::*;
use super::{{CallingCode, Place, code, place, row, wrong_length}};
""")
    print(f"pub(in crate::recipient) static PLACES: [Place; {len(regions) + 1}] = [")
    print('    place("001", 0, "", 0),')
    for region in regions:
        calling_code = phonenumbers.country_code_for_region(region)
        print(f'    place("{region}", {calling_code}, "{trunk(region)}", {unclear(region)}),')
    print("];\n")
    used = {meaning[0] for _, meaning in rows if meaning}
    print("const WORLD: u8 = 0;")
    for index, region in enumerate(regions, 1):
        if region in used:
            print(f"const {region}: u8 = {index};")
    print(f"\npub(super) static CODES: [CallingCode; {len(codes)}] = [")
    for code in codes:
        lengths = sum(1 << length for length in code.lengths())
        print(f"    code({code.code}, {lengths:#x}),")
    print(f"];\n\npub(super) static ROWS: [u64; {len(rows)}] = [")
    for start, meaning in rows:
        if meaning is None:
            print(f"    wrong_length({start}),")
        else:
            print(f"    row({start}, {'WORLD' if meaning[0] == '001' else meaning[0]}, {meaning[1]}),")
    print("];")


main()
