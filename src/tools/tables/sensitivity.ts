import { z } from 'zod';
import type { MaskName } from '../../contract/persona.ts';
import { MASKS } from '../../contract/persona.ts';
import { isUnspaced, wordsOf } from '../schema/words.ts';

export const sensitiveColumn = z.object({
  column: z.string().meta({ names: 'column' }),
  kind: z.string(),
  reason: z.string().meta({ names: 'text' }).describe('A guess by its name or comment; no value was looked at.'),
  mask: z.enum(MASKS).describe('That would suit it in the data rules of a persona.'),
});
export type SensitiveColumn = z.output<typeof sensitiveColumn>;

/** What a value must be to be of that kind: a date tells no address, and a count of e-mails is none. */
type Holds = 'text' | 'date' | 'number' | 'place';

interface Sort {
  readonly kind: string;
  readonly mask: MaskName;
  readonly holds: readonly Holds[];
  /** Phrases, in the languages that schemas are mostly written in. */
  readonly phrases: string;
}

/** The gravest first: a column is of one kind. */
const SORTS: readonly Sort[] = [
  {
    kind: 'password',
    mask: 'redact',
    holds: ['text'],
    phrases:
      'password, passwd, passwort, kennwort, pwd, passphrase, passcode, pin code, pincode, contrasena, mot de passe, motdepasse, senha, parola, haslo, пароль, パスワード, 密码, 비밀번호',
  },
  {
    kind: 'secret or token',
    mask: 'redact',
    holds: ['text'],
    phrases:
      'token, secret, api key, apikey, private key, access key, secret key, client secret, credential, credentials, session id, jwt, otp, totp, mfa secret, salt, recovery code, トークン, 密钥, токен',
  },
  {
    kind: 'payment card',
    mask: 'last4',
    holds: ['text', 'number'],
    phrases:
      'card number, credit card, creditcard, cc number, ccnumber, card no, pan, cvv, cvc, kreditkarte, kartennummer, tarjeta, carte bancaire, carta di credito, cartao, クレジットカード, 信用卡, 银行卡',
  },
  {
    kind: 'bank account',
    mask: 'last4',
    holds: ['text', 'number'],
    phrases:
      'iban, bic, swift, bank account, account number, account no, routing number, sort code, kontonummer, bankverbindung, cuenta bancaria, rib, compte bancaire, conto corrente, 口座番号, 银行账号, расчетный счет',
  },
  {
    kind: 'national identifier',
    mask: 'redact',
    holds: ['text', 'number'],
    phrases:
      'ssn, social security, social security number, sin number, national id, national identifier, nino, tax id, tax number, tin, passport, passport number, passport no, id card, identity number, driver license, driving licence, license number, personalausweis, reisepass, steuer id, steuernummer, sozialversicherungsnummer, dni, nif, nie, curp, rfc, cpf, cnpj, codice fiscale, numero de securite sociale, pesel, personnummer, bsn, aadhaar, マイナンバー, 身份证, 身份证号, 주민등록번호, инн, снилс, паспорт',
  },
  {
    kind: 'birth date',
    mask: 'year',
    holds: ['date', 'text'],
    phrases:
      'birth date, birthdate, date of birth, dob, birthday, born on, born at, geburtsdatum, geburtstag, geboren am, fecha de nacimiento, fecha nacimiento, date de naissance, date naissance, data di nascita, data de nascimento, data nascimento, data urodzenia, 生年月日, 出生日期, 생년월일, дата рождения',
  },
  {
    kind: 'e-mail address',
    mask: 'hash',
    holds: ['text'],
    phrases:
      'email, e mail, mail, mail address, mailadresse, correo, courriel, メール, メールアドレス, 邮箱, 邮件地址, 이메일, почта',
  },
  {
    kind: 'phone number',
    mask: 'last4',
    holds: ['text', 'number'],
    phrases:
      'phone, telephone, mobile, mobile number, cell, cellphone, msisdn, fax, telefon, telefonnummer, handy, mobil, telefono, movil, celular, portable, telefone, 電話, 電話番号, 手机, 手机号, 电话, 전화번호, телефон',
  },
  {
    kind: 'health',
    mask: 'redact',
    holds: ['text', 'number'],
    phrases:
      'diagnosis, diagnoses, icd10, medical, disease, blood type, blood group, allergy, allergies, medication, disability, diagnose, krankheit, diagnostico, enfermedad, diagnostic, maladie, 診断, 诊断, диагноз',
  },
  {
    kind: 'belief or origin',
    mask: 'redact',
    holds: ['text'],
    phrases:
      'religion, ethnicity, ethnic group, race, political party, sexual orientation, union membership, konfession, ethnie, etnia, 宗教, 民族, религия',
  },
  {
    kind: 'income',
    mask: 'redact',
    holds: ['number', 'text'],
    phrases:
      'salary, wage, wages, income, payroll, gehalt, lohn, salario, sueldo, salaire, stipendio, 給与, 工资, 급여, зарплата',
  },
  {
    kind: 'person',
    mask: 'partial',
    holds: ['text'],
    phrases:
      'first name, firstname, last name, lastname, full name, fullname, surname, given name, family name, middle name, maiden name, vorname, nachname, familienname, nombre completo, apellido, apellidos, prenom, nom de famille, cognome, sobrenome, 氏名, 姓名, 名字, фамилия',
  },
  {
    kind: 'address',
    mask: 'partial',
    holds: ['text'],
    phrases:
      'street, street address, home address, address line, postal address, address, strasse, anschrift, adresse, direccion, domicilio, rue, indirizzo, endereco, 住所, 地址, 주소, адрес',
  },
  {
    kind: 'network address',
    mask: 'hash',
    holds: ['text', 'place'],
    phrases:
      'ip, ip address, ip addr, ipaddress, remote addr, client ip, mac address, device id, ip adresse, direccion ip, adresse ip, IPアドレス, IP地址',
  },
  {
    kind: 'location',
    mask: 'redact',
    holds: ['number', 'place'],
    phrases: 'latitude, longitude, lat, lng, geolocation, gps, geo position, 緯度, 経度, 纬度, 经度',
  },
];

interface Phrase {
  readonly sort: Sort;
  readonly words: readonly string[];
}

const phrases: readonly Phrase[] = SORTS.flatMap((sort) =>
  sort.phrases.split(', ').map((phrase) => ({ sort, words: wordsOf(phrase) })),
);

interface DescribedColumn {
  readonly column: string;
  readonly type: string;
  readonly comment: string | null;
}

/** Columns that look as if they held what not everybody should see. Goes by names and comments alone, so that it reads no data. */
export function findSensitive(columns: readonly DescribedColumn[]): SensitiveColumn[] {
  return columns.flatMap((column) => judge(column) ?? []);
}

function judge({ column, type, comment }: DescribedColumn): SensitiveColumn | undefined {
  const held = holdsOf(type);
  if (held === undefined) return undefined;
  const own = wordsOf(column);
  // a reference to a row is not what stands there
  if (held !== 'text' && own.length > 1 && REFERENCE.has(own.at(-1) ?? '')) return undefined;
  const byName = find(own, held, true);
  if (byName) return describe(column, byName, 'its name has');
  const byComment = comment === null ? undefined : find(wordsOf(comment), held, false);
  return byComment && describe(column, byComment, 'its comment has');
}

const REFERENCE = new Set(['id', 'count', 'at', 'type', 'version', 'length', 'no']);
/** Of the name of a column, that say it is about something and not that. */
const ABOUT = new Set([
  'type',
  'count',
  'status',
  'verified',
  'enabled',
  'template',
  'subject',
  'format',
  'policy',
  'hint',
]);

function find(words: readonly string[], held: Holds, isName: boolean): Phrase | undefined {
  if (isName && words.length > 1 && ABOUT.has(words.at(-1) ?? '')) return undefined;
  return phrases.find(({ sort, words: phrase }) => sort.holds.includes(held) && hasPhrase(words, phrase, isName));
}

/** A comment is prose, in which a short word may mean anything. */
function hasPhrase(words: readonly string[], phrase: readonly string[], isName: boolean): boolean {
  const [first = ''] = phrase;
  if (phrase.length === 1 && isUnspaced(first)) return words.some((word) => word.includes(first));
  if (!isName && phrase.length === 1 && first.length < 4) return false;
  return words.some((_, at) => phrase.every((word, i) => words[at + i] === word || words[at + i] === `${word}s`));
}

function describe(column: string, { sort, words }: Phrase, why: string): SensitiveColumn {
  return { column, kind: sort.kind, reason: `${why} "${words.join(' ')}"`, mask: sort.mask };
}

/** By the name of the type, as format_type has it; undefined of what tells nothing of anybody, such as a boolean. */
function holdsOf(type: string): Holds | undefined {
  const base = type.replace(/\[\]$/, '').replace(/\(.*\)/, '');
  if (
    /^(text|character|character varying|"char"|name|bytea|uuid|jsonb?|xml|hstore)$/.test(base) ||
    /citext|varchar/.test(base)
  ) {
    return 'text';
  }
  if (/^(date|timestamp)/.test(base)) return 'date';
  if (/^(smallint|integer|bigint|numeric|real|double precision|money)$/.test(base)) return 'number';
  if (/^(inet|cidr|macaddr8?|point|geography|geometry)$/.test(base) || /\.(geography|geometry)$/.test(base))
    return 'place';
  // a domain or an enum of the database's users
  return base.includes('.') ? 'text' : undefined;
}
