//! Where numbers belong, and which are refused.

use super::{international, region};
use crate::recipient::Kind;

#[test]
fn places_shared_calling_codes() {
    use Kind::*;
    let cases = [
        ("+18762101234", "JM", Mobile),
        ("+18765230123", "JM", FixedOrMobile),
        ("+12045550123", "CA", FixedOrMobile),
        ("+17872345678", "PR", FixedOrMobile),
        ("+18005550100", "US", TollFree),
        ("+19005550100", "US", Premium),
        ("+447781123456", "GG", Mobile),
        ("+447624123456", "IM", Mobile),
        ("+447797712345", "JE", Mobile),
        ("+447400123456", "GB", Mobile),
        ("+449098765432", "GB", Premium),
        ("+448451234567", "GB", Premium),
        ("+448001111", "GB", TollFree),
        ("+447012345678", "GB", Personal),
        ("+447640123456", "GB", Pager),
        ("+445512345678", "GB", Uan),
        ("+445612345678", "GB", Voip),
        ("+77710009998", "KZ", Mobile),
        ("+79123456789", "RU", Mobile),
        ("+390612345678", "IT", Fixed),
        ("+390669812345", "VA", Fixed),
        ("+262692123456", "RE", Mobile),
        ("+262639012345", "YT", Mobile),
        ("+590690001234", "GP", Mobile),
        ("+590590271234", "BL", Fixed),
        ("+59995181234", "CW", Mobile),
        ("+5993181234", "BQ", Mobile),
        ("+358412345678", "FI", Mobile),
        ("+35818312345", "AX", Fixed),
        ("+4779123456", "SJ", Fixed),
        ("+61891641234", "CX", Fixed),
        ("+80012345678", "001", TollFree),
        ("+80812345678", "001", SharedCost),
        ("+870301234567", "001", Mobile),
        ("+881612345678", "001", Mobile),
        ("+8823421234", "001", Mobile),
        ("+883510012345", "001", Voip),
        ("+979123456789", "001", Premium),
    ];
    for (e164, code, kind) in cases {
        let recipient = international(e164);
        assert_eq!(
            (recipient.region.as_str(), recipient.kind),
            (code, kind),
            "{e164}"
        );
    }
}

#[test]
fn an_unassigned_number_belongs_where_its_neighbours_do() {
    let cases = [
        ("+447700900123", "GB", Kind::Mobile), // 07700 900 is kept free; 07700 0 and 1 are mobile
        ("+18762000000", "JM", Kind::Mobile), // Jamaica has no exchange 200, and mobiles from 210 on
        ("+12225550123", "US", Kind::FixedOrMobile), // there is no area 222
    ];
    for (e164, code, kind) in cases {
        let recipient = international(e164);
        assert_eq!(
            (recipient.region.as_str(), recipient.kind),
            (code, kind),
            "{e164}"
        );
    }
}

#[test]
fn test_and_drama_numbers_are_never_refused() {
    let cases = [
        ("+15005550000", "Twilio"),
        ("+15005550006", "Twilio"),
        ("+15005550009", "Twilio"),
        ("+447700900000", "Ofcom"), // GOV.UK Notify's smoke tests, and its statuses
        ("+447700900002", "Ofcom"),
        ("+447700900111", "Ofcom"),
        ("+447700900222", "Ofcom"),
        ("+447700900999", "Ofcom"),
        ("+442079460999", "Ofcom"),
        ("+441632960000", "Ofcom"),
        ("+442896496000", "Ofcom"),
        ("+448081570123", "Ofcom"),
        ("+449098790123", "Ofcom"),
        ("+443069990123", "Ofcom"),
        ("+33199001234", "ARCEP"),
        ("+33639981234", "ARCEP"),
        ("+493023125001", "Bundesnetzagentur"),
        ("+491713920099", "Bundesnetzagentur"),
        ("+4917604069001", "Bundesnetzagentur"),
        ("+4915228817386", "Bundesnetzagentur"),
        ("+61491570006", "ACMA"),
        ("+61255501234", "ACMA"),
        ("+12025550123", "the North American"),
        ("+18765550199", "the North American"),
        ("+18005550199", "the North American"),
    ];
    for (e164, keeper) in cases {
        let recipient = international(e164);
        let found = recipient
            .reserved_by()
            .unwrap_or_else(|| panic!("{e164} is not known as reserved"));
        assert!(found.starts_with(keeper), "{e164}: {found}");
        assert!(!recipient.is_refused_by_default(), "{e164}");
    }
    for e164 in [
        "+15005550010",
        "+447700901000",
        "+12025550200",
        "+33639991234",
        "+61491570007",
    ] {
        assert_eq!(international(e164).reserved_by(), None, "{e164}");
    }
    assert!(international("+449098765432").is_refused_by_default());
}

#[test]
fn national_is_what_is_dialled_inside_the_country() {
    let cases = [
        ("+447700900123", "07700900123"),
        ("+447781123456", "07781123456"),
        ("+12015550123", "2015550123"),
        ("+33639981234", "0639981234"),
        ("+390612345678", "0612345678"),
        ("+393471234567", "3471234567"),
        ("+34612345678", "612345678"),
        ("+79123456789", "89123456789"),
        ("+36201234567", "06201234567"),
        ("+5511961234567", "11961234567"),
        ("+375294911911", "80294911911"),
        ("+881612345678", "612345678"),
    ];
    for (e164, national) in cases {
        assert_eq!(international(e164).national, national, "{e164}");
    }
}

#[test]
fn regions_default_to_the_home_region() {
    let (gb, ie, je) = (region("GB"), region("IE"), region("JE"));
    let jersey = international("+447797712345");
    let cases = [
        (vec![], None, true),
        (vec![], Some(je), true),
        (vec![], Some(gb), false),
        (vec![gb, je], Some(gb), true),
        (vec![gb, ie], Some(je), false),
        (vec![gb, ie], None, false),
    ];
    for (regions, home, allowed) in cases {
        assert_eq!(
            jersey.is_in(&regions, home),
            allowed,
            "{regions:?}, {home:?}"
        );
    }
}
