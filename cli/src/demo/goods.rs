//! What the generator draws from: goods, places, word lists. Every company, street and number here is invented; the
//! towns exist, so that postcodes and territories look right.

/// One article that a shop might send.
pub(super) struct Article {
    /// In words, as a parcel's content declaration should have it.
    pub(super) description: &'static str,
    /// HS 2022 subheading.
    pub(super) hs: &'static str,
    /// Net mass of one piece.
    pub(super) grams: u32,
    /// Price of one piece, in euro cents.
    pub(super) cents: u32,
    /// UN number, where the article is dangerous goods.
    pub(super) un: Option<&'static str>,
}

const fn article(description: &'static str, hs: &'static str, grams: u32, cents: u32) -> Article {
    Article { description, hs, grams, cents, un: None }
}

const fn dangerous(mut article: Article, un: &'static str) -> Article {
    article.un = Some(un);
    article
}

/// The shop's shelf.
pub(super) static ARTICLES: [Article; 44] = [
    article("Cotton T-shirt, knitted, printed", "610910", 180, 1_290),
    article("Men's cotton trousers, woven", "620342", 540, 3_450),
    article("Women's dress of polyester, woven", "620443", 320, 2_980),
    article("Pullover of acrylic, knitted", "611030", 430, 2_650),
    article("Knitted winter hat of wool", "650500", 110, 990),
    article("Silk scarf, woven", "621410", 70, 1_850),
    article("Running shoes with rubber sole, textile upper", "640411", 780, 4_590),
    article("Leather handbag with shoulder strap", "420221", 690, 7_900),
    article("Nylon backpack, 20 litres", "420292", 520, 3_290),
    article("Wallet of leather, for the pocket", "420232", 95, 1_990),
    article("Terry bath towel of cotton", "630260", 480, 1_450),
    dangerous(article("Eau de toilette spray, 50 ml", "330300", 210, 4_200), "1266"),
    article("Face cream in a jar, 50 ml", "330499", 130, 2_150),
    article("Liquid hand soap, 500 ml", "340130", 560, 690),
    article("Green tea, loose leaf, 100 g packing", "090210", 120, 890),
    article("Protein powder, food supplement, 900 g", "210690", 980, 2_790),
    article("Plush toy bear, 30 cm", "950300", 260, 1_390),
    article("Wooden building blocks, 60 pieces", "950300", 840, 1_990),
    article("Handheld video game console", "950450", 410, 6_990),
    article("Inflatable football, size 5", "950662", 430, 1_590),
    article("Yoga mat of foam, with strap", "950691", 910, 1_790),
    article("Illustrated book, paperback", "490199", 450, 1_490),
    article("Ruled notebook, A5, hard cover", "482010", 310, 750),
    article("Ballpoint pens, set of 10", "960810", 120, 590),
    article("Stainless steel saucepan, 18 cm", "732393", 890, 2_490),
    article("Porcelain coffee cups, set of 2", "691110", 620, 1_690),
    article("Drinking glasses, set of 4", "701337", 1_100, 1_350),
    article("Kitchen knife with fixed blade, 20 cm", "821192", 240, 2_290),
    article("Vacuum flask of steel, 0.75 litre", "961700", 420, 1_890),
    article("Salad bowl of plastics", "392410", 330, 790),
    article("Wooden serving board, oak", "441990", 720, 1_850),
    article("Phone case of plastics", "392690", 45, 690),
    article("Garden figure of plastics", "392640", 650, 1_290),
    article("LED desk lamp", "940542", 870, 2_390),
    dangerous(article("Head torch with lithium battery", "851310", 140, 1_690), "3481"),
    dangerous(article("Wireless headphones with lithium battery", "851830", 190, 5_900), "3481"),
    dangerous(article("Power bank, lithium-ion, 10000 mAh", "850760", 230, 2_490), "3480"),
    article("USB-C charging cable, 2 m", "854442", 60, 890),
    article("Computer keyboard, wired", "847160", 690, 3_190),
    article("Network router for the home", "851762", 480, 5_490),
    article("Wrist-watch, quartz, steel case", "910219", 150, 6_450),
    article("Necklace of base metal, gold plated", "711719", 35, 1_250),
    article("Sunglasses with plastic frame", "900410", 60, 1_590),
    article("Bicycle chain guard and bell set", "871499", 380, 1_190),
];

/// Where a parcel may go.
pub(super) struct Place {
    /// ISO 3166 code.
    pub(super) country: &'static str,
    /// A town there.
    pub(super) city: &'static str,
    /// Its postcode.
    pub(super) postcode: &'static str,
    /// How many parcels in a hundred go there.
    pub(super) share: u64,
}

const fn place(country: &'static str, city: &'static str, postcode: &'static str, share: u64) -> Place {
    Place { country, city, postcode, share }
}

/// Destinations; the shares add up to 100. Nobody in the demo's network may get records for the last two.
pub(super) static PLACES: [Place; 20] = [
    place("KR", "Seoul", "04524", 20),
    place("KR", "Busan", "48058", 9),
    place("KR", "Incheon", "21554", 7),
    place("KR", "Daegu", "41911", 5),
    place("DE", "Berlin", "10115", 9),
    place("DE", "Leipzig", "04109", 4),
    place("FR", "Lyon", "69002", 8),
    place("FR", "Nantes", "44000", 3),
    place("NL", "Rotterdam", "3011 AA", 5),
    place("IT", "Bologna", "40121", 5),
    place("ES", "Valencia", "46002", 5),
    place("PL", "Gdansk", "80-831", 4),
    place("SE", "Uppsala", "753 10", 3),
    place("AT", "Graz", "8010", 3),
    place("IE", "Galway", "H91 A000", 2),
    place("PT", "Porto", "4000-008", 2),
    place("FI", "Turku", "20100", 2),
    place("GR", "Patras", "262 21", 1),
    place("JP", "Osaka", "530-0001", 2),
    place("US", "Portland", "97201", 1),
];

/// First syllables of invented company names.
pub(super) static HEADS: [&str; 16] =
    ["Bel", "Cor", "Dal", "Fen", "Gal", "Hol", "Jun", "Kor", "Lum", "Mar", "Nor", "Pel", "Quil", "Sol", "Tam", "Vel"];
/// Middle syllables.
pub(super) static MIDDLES: [&str; 12] = ["a", "adi", "ami", "en", "eri", "ia", "ino", "o", "ona", "ori", "u", "uvi"];
/// Last syllables.
pub(super) static TAILS: [&str; 12] =
    ["bor", "dex", "fell", "gate", "lan", "mer", "nova", "quist", "ra", "tik", "vane", "zen"];
/// What sellers call themselves.
pub(super) static SELLER_FORMS: [&str; 6] =
    ["Trading Co., Ltd.", "Export Ltd.", "Online Store", "Home Goods Co.", "Outlet", "Electronics Ltd."];
/// What buyers call themselves.
pub(super) static BUYER_FORMS: [&str; 8] =
    ["Studio", "Bookshop", "Workshop", "Cafe", "Gallery", "Office Services", "Sports Club", "Design Office"];
/// Invented streets.
pub(super) static STREETS: [&str; 10] = [
    "Demo Street",
    "Sample Road",
    "Example Lane",
    "Test Square",
    "Specimen Avenue",
    "Fiction Way",
    "Placeholder Quay",
    "Mockup Park",
    "Invented Row",
    "Model Boulevard",
];
/// Towns that parcels come from.
pub(super) static SHIPPERS: [(&str, &str); 4] =
    [("Shenzhen", "518000"), ("Hangzhou", "310000"), ("Yiwu", "322000"), ("Guangzhou", "510000")];
