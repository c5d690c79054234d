import { remember } from '../memo.js';

/*
 * Names under which a number identifies a person, an organisation or a machine. Developers combine the
 * same few words in many ways (`customer_no`, `customerNumber`, `customernumber`), so the rules know the
 * words and not the combinations.
 */

const setOf = (text: string) => new Set(text.trim().split(/\s+/));

/** A number under one of these identifies, whatever stands before it: `home_phone`, `lat`. */
const IDENTIFYING = setOf(`
  id ids uid uuid guid account acct phone tel telephone mobile cell cellphone handy telefon telefono telefone
  telefoon msisdn fax ssn sin passport iban bic card creditcard debitcard zip zipcode postcode postal plz
  postleitzahl ip ipv clientip remoteip sourceip hostip publicip privateip mac imei imsi meid iccid eid esn serial
  lat lon lng latitude longitude geohash birth birthday birthdate dateofbirth geburtsdatum geburtstag dob tax vat
  cvv cvc pin otp totp passcode password pincode nino nif nie dni cpf cnpj curp pesel aadhaar nric konto cuenta compte
  addr address adresse hwaddr bssid coord coords coordinates latlng latlon born yob fingerprint vin ein itin tin
  ustid blz bankleitzahl kdnr siret siren abn cuit cedula bsn egn jmbg oib hkid snils ogrn mrn npi rodne aba
`);

/** Whose number it is. Alone such a word counts something: `customer: 3`. */
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

/** Makes a number of an entity's: `customer_no`, `mac_addr`. */
const NUMBER = setOf('number no nr nbr nummer numero id key code addr address adresse ip ref hash');

/** Stands behind an identifying word and says no more: `phone_number`, `birth_date`. */
const KIND = setOf('number num no nr nbr nummer numero addr address adresse date code hash');

/** How the number is written. `lat_e7` is a latitude, but `lat_ms` is a latency. */
const FORM = setOf('raw value val int long str text numeric plain last');
const FORM_OF: readonly [names: ReadonlySet<string>, forms: ReadonlySet<string>][] = [
  [setOf('lat lon lng latitude longitude'), setOf('e deg degrees rad micro')],
  [setOf('coord coords'), setOf('x y z')],
  [
    setOf('birth birthday birthdate dateofbirth dob geburtsdatum geburtstag'),
    setOf('ms s sec secs seconds us ns unix epoch ts time timestamp at year'),
  ],
];

/** Names of two words, neither of which identifies alone. */
const PAIRS = setOf(`
  social-security driver-license driver-licence driving-license driving-licence sort-code card-pan imei-sv born-at
  zip-plus x-coord y-coord
`);

/** How many there are. */
const AMOUNT = setOf('total unhealthy count counts sum amount qty num');

/** The largest count of anybody's things; numbers of accounts and telephones are longer. */
const MOST = 999_999;

/** Whether a number under this name may be somebody's: `account_id`, `phoneNumber`, `customerno`. */
export const isIdentifyingKey = remember(2_000_000, (key: string): boolean =>
  isIdentifying(wordsOf(key)),
);

/**
 * The largest number under this name that identifies nobody; -1 where every number may. A plural or an
 * amount is a count: `accounts`, `phone_total`.
 */
export const mostUnder = remember(2_000_000, (key: string): number => {
  const words = wordsOf(key);
  if (isIdentifying(words)) return -1;
  const before = words.slice(0, -1);
  const last = words.at(-1) ?? '';
  const counted = AMOUNT.has(last) ? before : [...before, last.replace(/s$/, '')];
  // `customer_num`: its number, or how many there are.
  const isEither = last === 'num' && ENTITY.has(before.at(-1) ?? '');
  if (isIdentifying(counted) || isEither) return MOST;
  // A part of something that identifies: `account_id.first`.
  const parents = key.split('.').slice(0, -1);
  return parents.some((parent) => isIdentifying(wordsOf(parent))) ? MOST : Infinity;
});

function isIdentifying(words: readonly string[]): boolean {
  const [last = '', before = ''] = [...withoutForm(words)].reverse();
  if (IDENTIFYING.has(last) || isOneWord(last)) return true;
  if (PAIRS.has(`${before}-${last}`)) return true;
  return (KIND.has(last) && IDENTIFYING.has(before)) || (NUMBER.has(last) && ENTITY.has(before));
}

function withoutForm(words: readonly string[]): readonly string[] {
  const last = words.at(-1) ?? '';
  const before = words.at(-2) ?? '';
  const isForm =
    FORM.has(last) || FORM_OF.some(([names, forms]) => names.has(before) && forms.has(last));
  return isForm ? words.slice(0, -1) : words;
}

/** `customernumber`, `macaddress`, `acctnum`. */
function isOneWord(word: string): boolean {
  return [...NUMBER, 'num'].some((ending) => {
    const named = word.endsWith(ending) ? word.slice(0, -ending.length) : '';
    return ENTITY.has(named) || IDENTIFYING.has(named);
  });
}

/** The words of a snake_case or camelCase name, in lower case: `userID` is `user` and `id`. */
function wordsOf(key: string): string[] {
  const spaced = key.replace(/([a-z])([A-Z])/g, '$1 $2').replace(/([A-Z])([A-Z][a-z])/g, '$1 $2');
  return spaced.toLowerCase().match(/[a-z]+/g) ?? [];
}
