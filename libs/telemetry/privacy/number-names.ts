import { memoize } from '../memo.js';

/*
 * Names of numbers that identify a person, an organisation or a machine. Developers combine the same few words in many
 * ways (`customer_no`, `customerNumber`, `customernumber`), so the rules list words instead of combinations.
 */

const setOf = (text: string) => new Set(text.trim().split(/\s+/));

/** A number with one of these names is identifying, whatever precedes the word: `home_phone`, `lat`. */
const IDENTIFYING = setOf(`
  id ids uid uuid guid account acct phone tel telephone mobile cell cellphone handy telefon telefono telefone
  telefoon msisdn fax ssn sin passport iban bic card creditcard debitcard zip zipcode postcode postal plz
  postleitzahl ip ipv clientip remoteip sourceip hostip publicip privateip mac imei imsi meid iccid eid esn serial
  lat lon lng latitude longitude geohash birth birthday birthdate dateofbirth geburtsdatum geburtstag dob tax vat
  cvv cvc pin otp totp passcode password pincode nino nif nie dni cpf cnpj curp pesel aadhaar nric konto cuenta compte
  addr address adresse hwaddr bssid coord coords coordinates latlng latlon born yob fingerprint vin ein itin tin
  ustid blz bankleitzahl kdnr siret siren abn cuit cedula bsn egn jmbg oib hkid snils ogrn mrn npi rodne aba
`);

/** The owner of a number. Without a second word it is a count: `customer: 3`. */
const ENTITY = setOf(`
  account acct user customer client tenant owner device machine session employee member person org organisation
  organization company contact phone mobile telephone subscriber patient student citizen resident passport license
  licence driver insurance policy card credit bank routing social security tax vat order invoice contract booking
  ticket medical nhs pan npi mrn badge staff personnel payroll vehicle plate serial sim subscription merchant vendor
  supplier partner kunden konto vertrags rechnungs personal mitglieds steuer benutzer ausweis versicherungs serien
  geraete telefon handy cust emp visitor visa transaction txn payment case tracking registration reg reference ref
  meter loyalty flyer house street matriculation matrikel medicare asset auth verification whatsapp ni cc cell tel fax
  sozialversicherungs burgerservice
`);

/** Turns an entity into an identifier: `customer_no`, `mac_addr`. */
const NUMBER = setOf('number no nr nbr nummer numero id key code addr address adresse ip ref hash');

/** Follows an identifying word without changing its meaning: `phone_number`, `birth_date`. */
const SUFFIX = setOf('number num no nr nbr nummer numero addr address adresse date code hash');

/** The format of the number. `lat_e7` is a latitude, but `lat_ms` is a latency. */
const FORM = setOf('raw value val int long str text numeric plain last');
const FORM_OF: readonly [names: ReadonlySet<string>, forms: ReadonlySet<string>][] = [
  [setOf('lat lon lng latitude longitude'), setOf('e deg degrees rad micro')],
  [setOf('coord coords'), setOf('x y z')],
  [
    setOf('birth birthday birthdate dateofbirth dob geburtsdatum geburtstag'),
    setOf('ms s sec secs seconds us ns unix epoch ts time timestamp at year'),
  ],
];

/** Pairs of words that are identifying only together. */
const PAIRS = setOf(`
  social-security driver-license driver-licence driving-license driving-licence sort-code card-pan imei-sv born-at
  zip-plus x-coord y-coord
`);

/** Words for an amount. */
const AMOUNT = setOf('total unhealthy count counts sum amount qty num');

/** The largest plausible count of things that belong to an entity; account and telephone numbers are longer. */
const MAX_COUNTED = 999_999;

/** Whether a number with this name may be identifying: `account_id`, `phoneNumber`, `customerno`. */
export const isIdentifyingKey = memoize(2_000_000, (key: string): boolean =>
  isIdentifying(wordsOf(key)),
);

/**
 * The largest number with this name that is not identifying; -1 if every number may be. A plural or an amount is a
 * count: `accounts`, `phone_total`.
 */
export const maxAnonymous = memoize(2_000_000, (key: string): number => {
  const words = wordsOf(key);
  if (isIdentifying(words)) return -1;
  const before = words.slice(0, -1);
  const last = words.at(-1) ?? '';
  const counted = AMOUNT.has(last) ? before : [...before, last.replace(/s$/, '')];
  // `customer_num` is a customer number or a number of customers.
  const isEither = last === 'num' && ENTITY.has(before.at(-1) ?? '');
  if (isIdentifying(counted) || isEither) return MAX_COUNTED;
  // A part of an identifier: `account_id.first`.
  const parents = key.split('.').slice(0, -1);
  return parents.some((parent) => isIdentifying(wordsOf(parent))) ? MAX_COUNTED : Infinity;
});

function isIdentifying(words: readonly string[]): boolean {
  const [last = '', before = ''] = [...withoutForm(words)].reverse();
  if (IDENTIFYING.has(last) || isOneWord(last)) return true;
  if (PAIRS.has(`${before}-${last}`)) return true;
  return (SUFFIX.has(last) && IDENTIFYING.has(before)) || (NUMBER.has(last) && ENTITY.has(before));
}

function withoutForm(words: readonly string[]): readonly string[] {
  const last = words.at(-1) ?? '';
  const before = words.at(-2) ?? '';
  const isForm =
    FORM.has(last) || FORM_OF.some(([names, forms]) => names.has(before) && forms.has(last));
  return isForm ? words.slice(0, -1) : words;
}

const ONE_WORD_ENDINGS = [...NUMBER, 'num'];

/** `customernumber`, `macaddress`, `acctnum`. */
function isOneWord(word: string): boolean {
  return ONE_WORD_ENDINGS.some((ending) => {
    const named = word.endsWith(ending) ? word.slice(0, -ending.length) : '';
    return ENTITY.has(named) || IDENTIFYING.has(named);
  });
}

/** The words of a snake_case or camelCase name, in lower case: `userID` is `user` and `id`. */
function wordsOf(key: string): string[] {
  const spaced = key.replace(/([a-z])([A-Z])/g, '$1 $2').replace(/([A-Z])([A-Z][a-z])/g, '$1 $2');
  return spaced.toLowerCase().match(/[a-z]+/g) ?? [];
}
