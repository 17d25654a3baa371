"""Writes expected.tsv: what another implementation of libphonenumber says of numbers of every region and kind.

    /tmp/venv/bin/pip install phonenumbers==9.0.43
    /tmp/venv/bin/python expected.py > expected.tsv

It asks only the library's public functions, as anybody would, and shares nothing with the generator of the
prefix table. Numbers are the library's examples and, from those, random ones that it calls valid (seeded:
same version, same output).
"""

import random
import sys

import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType

VERSION = "9.0.43"
KINDS = {
    PhoneNumberType.MOBILE: "mobile",
    PhoneNumberType.FIXED_LINE: "fixed",
    PhoneNumberType.FIXED_LINE_OR_MOBILE: "fixed_or_mobile",
    PhoneNumberType.PREMIUM_RATE: "premium",
    PhoneNumberType.SHARED_COST: "shared_cost",
    PhoneNumberType.TOLL_FREE: "toll_free",
    PhoneNumberType.PERSONAL_NUMBER: "personal",
    PhoneNumberType.PAGER: "pager",
    PhoneNumberType.UAN: "uan",
    PhoneNumberType.VOICEMAIL: "voicemail",
    PhoneNumberType.VOIP: "voip",
}
SAMPLES = int(sys.argv[1]) if len(sys.argv) > 1 else 1  # random numbers for each region and kind, beside the example


def described(number):
    """One line: E.164, region, kind, and the national form as libphonenumber writes it."""
    return "\t".join([
        phonenumbers.format_number(number, PhoneNumberFormat.E164),
        phonenumbers.region_code_for_number(number),
        KINDS[phonenumbers.number_type(number)],
        phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL).replace("\u00a0", " "),
    ])


def is_ours(number):
    """Valid, with room in E.164, and of a length that all regions of the calling code know: not Canada's
    310-1234, which cannot be reached from elsewhere."""
    digits = len(phonenumbers.format_number(number, PhoneNumberFormat.E164)) - 1
    possible = phonenumbers.is_possible_number_with_reason(number) == phonenumbers.ValidationResult.IS_POSSIBLE
    return 7 <= digits <= 15 and possible and phonenumbers.is_valid_number(number)


def like(example, chance):
    """A valid number that shares the example's first digits, or none after some tries."""
    code = example.country_code
    significant = phonenumbers.national_significant_number(example)
    for _ in range(200):
        kept = chance.randrange(len(significant))
        digits = significant[:kept] + "".join(chance.choice("0123456789") for _ in significant[kept:])
        try:
            number = phonenumbers.parse(f"+{code}{digits}")
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.national_significant_number(number) == digits and is_ours(number):
            return number
    return None


def main():
    if phonenumbers.__version__ != VERSION:
        sys.exit(f"this is phonenumbers {phonenumbers.__version__}; install {VERSION}, or change VERSION")
    chance = random.Random(20)
    examples = [
        phonenumbers.example_number_for_type(region, kind)
        for region in sorted(phonenumbers.SUPPORTED_REGIONS)
        for kind in KINDS
    ]
    examples += [
        phonenumbers.example_number_for_non_geo_entity(code) for code in sorted(phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS)
    ]
    examples = [example for example in examples if example and is_ours(example)]
    numbers = examples + [like(example, chance) for example in examples for _ in range(SAMPLES)]

    print(f"# E.164, region, kind, national form by phonenumbers {VERSION}; made by expected.py")
    for line in sorted({described(number) for number in numbers if number}):
        print(line)


main()
