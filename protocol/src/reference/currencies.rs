//! Currencies: which three letters name one, how many decimals its amounts have, and when it was withdrawn.

use std::sync::Arc;

use super::listed::Listed;
use crate::record::Decimal;
use crate::time::Day;

const WITHOUT_DECIMALS: &str = "\
    BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF";

const TWO_DECIMALS: &str = "\
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY \
    COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS \
    INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR \
    MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP \
    STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG";

const THREE_DECIMALS: &str = "\
    BHD IQD JOD KWD LYD OMR TND";

const FOUR_DECIMALS: &str = "\
    CLF UYW";

/// Precious metals, units of account, codes for tests and for none.
const NO_MONEY: &str = "\
    XAG XAU XBA XBB XBC XBD XDR XPD XPT XSU XTS XUA XXX";

/// With the month of their withdrawal.
const WITHDRAWN: &str = "\
    ADP 2003-07 AFA 2003-01 ALK 1989-12 ANG 2025-03 AOK 1991-03 AON 2000-02 AOR 2000-02 ARA 1992-01 ARP 1985-07 ARY \
    1990-12 ATS 2002-03 AYM 2005-10 AZM 2005-12 BAD 1998-07 BEC 1990-03 BEF 2002-03 BEL 1990-03 BGJ 1990-12 BGK \
    1990-12 BGL 2003-11 BGN 2026-01 BOP 1987-02 BRB 1986-03 BRC 1989-02 BRE 1993-03 BRN 1990-03 BRR 1994-07 BUK \
    1990-02 BYB 2001-01 BYR 2017-01 CHC 2004-11 CSD 2006-10 CSJ 1990-12 CSK 1993-03 CUC 2021-06 CYP 2008-01 DDM \
    1990-09 DEM 2002-03 ECS 2000-09 ECV 2000-09 EEK 2011-01 ESA 1981-12 ESB 1994-12 ESP 2002-03 FIM 2002-03 FRF \
    2002-03 GEK 1995-10 GHC 2008-01 GHP 2007-06 GNE 1989-12 GNS 1986-02 GQE 1986-06 GRD 2002-03 GWE 1981-12 GWP \
    1997-05 HRD 1995-01 HRK 2023-01 IEP 2002-03 ILP 1981-12 ILR 1990-12 ISJ 1990-12 ITL 2002-03 LAJ 1979-12 LSM \
    1985-05 LTL 2014-12 LTT 1993-07 LUC 1990-03 LUF 2002-03 LUL 1990-03 LVL 2014-01 LVR 1994-12 MGF 2004-12 MLF \
    1984-11 MRO 2017-12 MTL 2008-01 MTP 1983-06 MVQ 1989-12 MXP 1993-01 MZE 1981-12 MZM 2006-06 NIC 1990-10 NLG \
    2002-03 PEH 1990-12 PEI 1991-07 PES 1986-02 PLZ 1997-01 PTE 2002-03 RHD 1981-12 ROK 1990-12 ROL 2005-06 RUR \
    2004-01 SDD 2007-07 SDP 1998-06 SIT 2007-01 SKK 2009-01 SLL 2023-12 SRG 2003-12 STD 2017-12 SUR 1990-12 TJR \
    2001-04 TMM 2009-01 TPE 2002-11 TRL 2005-12 UAK 1996-09 UGS 1987-05 UGW 1990-12 USS 2014-03 UYN 1989-12 UYP \
    1993-03 VEB 2008-01 VEF 2018-08 VNC 1990-12 XEU 1999-01 XFO 2006-10 XFU 2013-11 XRE 1999-11 YDD 1991-09 YUD \
    1990-01 YUM 2003-07 YUN 1995-11 ZAL 1995-03 ZMK 2012-12 ZRN 1999-06 ZRZ 1994-02 ZWC 1989-12 ZWD 2008-08 ZWL \
    2024-09 ZWN 2006-09 ZWR 2009-06";

/// What is known of a currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CurrencyState {
    /// In use, with so many decimals.
    Money(u8),
    /// A code that names no money that goods are paid in.
    NoMoney,
    /// Withdrawn: the last day on which it is taken.
    Withdrawn(Day),
    /// No currency.
    Unknown,
}

const UNKNOWN: u8 = 0xff;
const NONE: u8 = 0xfe;
const GONE: u8 = 0xfd;

/// Which currencies are known.
#[derive(Debug, Clone)]
pub struct Currencies {
    /// Name, version and source.
    pub listed: Arc<Listed>,
    /// Decimals, or one of the marks above, by the number of the three letters.
    states: Vec<u8>,
    withdrawn: Vec<([u8; 3], Day, u8)>,
}

fn place(code: &str) -> Option<usize> {
    let bytes: [u8; 3] = code.as_bytes().try_into().ok()?;
    let letter = |sum: usize, byte: u8| byte.is_ascii_uppercase().then(|| sum * 26 + usize::from(byte - b'A'));
    bytes.into_iter().try_fold(0, letter)
}

impl Currencies {
    /// The built-in list.
    pub(crate) fn builtin() -> Self {
        let source = "ISO 4217, lists one and three; a withdrawn currency is taken until the end of its month";
        let listed = Listed::new("currencies", "2026-11-23", source);
        let mut list = Self { listed, states: vec![UNKNOWN; 26 * 26 * 26], withdrawn: Vec::new() };
        let classes =
            [(0, WITHOUT_DECIMALS), (2, TWO_DECIMALS), (3, THREE_DECIMALS), (4, FOUR_DECIMALS), (NONE, NO_MONEY)];
        for (state, codes) in classes {
            codes.split(' ').for_each(|code| list.mark(code, state));
        }
        let mut words = WITHDRAWN.split(' ');
        while let (Some(code), Some(month)) = (words.next(), words.next()) {
            let last = (28..=31).rev().find_map(|day| format!("{month}-{day}").parse().ok());
            if let Some(last) = last {
                list.withdraw(code, last);
            }
        }
        list
    }

    fn mark(&mut self, code: &str, state: u8) {
        if let Some(there) = place(code).and_then(|at| self.states.get_mut(at)) {
            *there = state;
        }
    }

    /// Sets the decimals of a currency in use, at most four of them.
    pub(super) fn set(&mut self, code: &str, decimals: u8) {
        self.withdrawn.retain(|(known, _, _)| known != code.as_bytes());
        self.mark(code, decimals.min(4));
    }

    /// Ends a currency on a day.
    pub(super) fn withdraw(&mut self, code: &str, last: Day) {
        let Ok(bytes) = code.as_bytes().try_into() else { return };
        let before = place(code).and_then(|at| self.states.get(at).copied()).filter(|state| *state < GONE);
        self.withdrawn.retain(|(known, _, _)| *known != bytes);
        self.withdrawn.push((bytes, last, before.unwrap_or(NONE)));
        self.mark(code, GONE);
    }

    /// What is known of a currency on a day. One that is withdrawn later is in use; where its decimals are not known they are not limited.
    pub fn state(&self, code: &str, day: Day) -> CurrencyState {
        match place(code).and_then(|at| self.states.get(at).copied()).unwrap_or(UNKNOWN) {
            UNKNOWN => CurrencyState::Unknown,
            NONE => CurrencyState::NoMoney,
            GONE => match self.withdrawn.iter().find(|(known, _, _)| known == code.as_bytes()) {
                Some((_, last, _)) if day > *last => CurrencyState::Withdrawn(*last),
                Some((_, _, decimals)) if *decimals <= 4 => CurrencyState::Money(*decimals),
                _ => CurrencyState::Money(Decimal::MAX_SCALE),
            },
            decimals => CurrencyState::Money(decimals),
        }
    }
}
