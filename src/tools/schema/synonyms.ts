import { wordsOf } from './words.ts';

/**
 * Words that mean much the same in the names of tables and columns, in the languages that schemas are mostly written in,
 * and their usual abbreviations. A name of several words has all of them.
 */
const GROUPS: readonly string[] = [
  'email, e mail, mail, correo, courriel, mailadresse, メール, 邮箱, 邮件, почта',
  'phone, telephone, tel, mobile, cell, fax, telefon, handy, telefono, movil, portable, 電話, 电话, 手机, телефон',
  'birth date, date of birth, birthday, birthdate, dob, born, geburtsdatum, geburtstag, fecha de nacimiento, date de naissance, nascimento, 生年月日, 出生日期, 生日, дата рождения',
  'name, nombre, nom, nome, bezeichnung, 名前, 氏名, 姓名, 名称, имя, название',
  'first name, given name, forename, fname, vorname, prenom, primer nombre, 名',
  'last name, surname, family name, lname, nachname, apellido, nom de famille, cognome, sobrenome, 姓, фамилия',
  'address, street, addr, strasse, anschrift, adresse, direccion, calle, rue, indirizzo, endereco, 住所, 地址, адрес',
  'city, town, stadt, ort, ciudad, ville, citta, cidade, 都市, 城市, город',
  'postal code, zip, zipcode, postcode, plz, postleitzahl, codigo postal, code postal, cap, cep, 郵便番号, 邮编, индекс',
  'country, nation, land, pais, pays, paese, 国, 国家, страна',
  'customer, client, buyer, kunde, cliente, 顧客, 客户, клиент, покупатель',
  'user, account, member, login, benutzer, nutzer, konto, usuario, utilisateur, compte, cuenta, utente, ユーザー, 用户, 账户, пользователь',
  'employee, staff, worker, mitarbeiter, personal, empleado, employe, dipendente, 社員, 员工, сотрудник',
  'supplier, vendor, lieferant, proveedor, fournisseur, fornitore, 仕入先, 供应商, поставщик',
  'company, organization, organisation, firm, org, firma, empresa, entreprise, societe, azienda, 会社, 公司, компания',
  'order, purchase, bestellung, auftrag, pedido, commande, ordine, 注文, 订单, заказ',
  'product, item, article, sku, goods, produkt, artikel, producto, articulo, produit, prodotto, 商品, 产品, товар',
  'invoice, bill, billing, rechnung, factura, facture, fattura, 請求書, 发票, счет',
  'payment, paid, zahlung, pago, paiement, pagamento, 支払, 支払い, 付款, 支付, платеж',
  'price, cost, rate, preis, kosten, precio, costo, prix, cout, prezzo, 価格, 价格, цена',
  'amount, total, sum, value, betrag, summe, importe, monto, montant, importo, 金額, 金额, сумма',
  'quantity, qty, count, number of, menge, anzahl, cantidad, quantite, quantita, 数量, количество',
  'tax, vat, steuer, mwst, impuesto, iva, taxe, tva, imposta, 税, 税金, налог',
  'discount, rebate, rabatt, descuento, remise, sconto, 割引, 折扣, скидка',
  'salary, wage, pay, payroll, income, gehalt, lohn, salario, sueldo, salaire, stipendio, 給与, 工资, зарплата',
  'shipment, shipping, delivery, dispatch, lieferung, versand, envio, entrega, livraison, expedition, spedizione, 配送, 发货, доставка',
  'category, type, kind, class, kategorie, art, categoria, tipo, categorie, カテゴリ, 类别, категория',
  'status, state, zustand, estado, statut, etat, stato, 状態, 状态, статус',
  'created, inserted, created at, creation, angelegt, erstellt, creado, cree, creato, 作成, 作成日, 创建, создан',
  'updated, modified, changed, last update, geaendert, aktualisiert, actualizado, modificado, modifie, aggiornato, 更新, 更新日, изменен',
  'deleted, removed, archived, geloescht, eliminado, borrado, supprime, cancellato, 削除, 删除, удален',
  'description, desc, notes, note, remark, comment, beschreibung, bemerkung, descripcion, nota, remarque, descrizione, 説明, 備考, 描述, 备注, описание',
  'password, passwd, pwd, kennwort, passwort, contrasena, clave, mot de passe, パスワード, 密码, пароль',
  'bank account, iban, account number, kontonummer, cuenta bancaria, compte bancaire, 口座, 口座番号, 银行账户',
  'credit card, card number, pan, kreditkarte, tarjeta, carte bancaire, クレジットカード, 信用卡',
  'social security number, ssn, national id, tax id, steuernummer, sozialversicherungsnummer, dni, nif, cpf, codice fiscale, マイナンバー, 身份证',
  'gender, sex, geschlecht, genero, sexo, sexe, sesso, 性別, 性别, пол',
  'ip, ip address, remote addr, client addr, host',
  'language, locale, lang, sprache, idioma, langue, lingua, 言語, 语言, язык',
  'currency, waehrung, moneda, divisa, devise, monnaie, valuta, 通貨, 货币, валюта',
  'department, team, division, abteilung, departamento, service, reparto, 部署, 部门, отдел',
  'event, log, audit, history, ereignis, protokoll, evento, evenement, journal, historique, 履歴, 日志, журнал',
  'review, rating, score, feedback, bewertung, resena, avis, recensione, 評価, 评价, отзыв',
  'stock, inventory, warehouse, lager, bestand, inventario, almacen, entrepot, magazzino, 在庫, 库存, склад',
];

/** Each a list of words. */
type Phrase = readonly string[];

type Group = readonly Phrase[];

const groups: readonly Group[] = GROUPS.map((line) => line.split(', ').map((phrase) => wordsOf(phrase)));

const byFirst = indexByFirst();

function indexByFirst(): ReadonlyMap<string, readonly { readonly phrase: Phrase; readonly group: Group }[]> {
  const index = new Map<string, { phrase: Phrase; group: Group }[]>();
  for (const group of groups) {
    for (const phrase of group) {
      const first = phrase[0] ?? '';
      index.set(first, [...(index.get(first) ?? []), { phrase, group }]);
    }
  }
  // the longest first
  for (const list of index.values()) list.sort((a, b) => b.phrase.length - a.phrase.length);
  return index;
}

/** A part of what was asked for: words that stand for one thing, and other ways to say it. */
export interface Asked {
  readonly words: Phrase;
  readonly synonyms: readonly Phrase[];
}

/** Words that say nothing of what is looked for, as long as there are others. */
const EMPTY = new Set(
  [
    'a an the of for in on to by with and or is are was which what where who how many all any that this from table tables column columns field fields data stored store stores holding hold holds contains containing find show me their its our your be been has have do does did when about there',
    'der die das des den dem ein eine und oder von im in zu mit fur ist sind wo welche wie alle tabelle spalte',
    'el la los las un una de del y o en con para es son donde que tabla columna',
    'le les une du des et ou dans avec pour est sont quel quelle table colonne',
  ]
    .join(' ')
    .split(' '),
);

/** So many parts of a question are looked for. */
const MOST_PARTS = 12;

/** Reads words of a question: what stands together as one thing is one part, filling words are none. */
export function readQuestion(question: string): Asked[] {
  const words = wordsOf(question);
  const parts: Asked[] = [];
  for (let at = 0; at < words.length && parts.length < MOST_PARTS;) {
    const found = byFirst.get(words[at] ?? '')?.find(({ phrase }) => phrase.every((word, i) => words[at + i] === word));
    const taken = found?.phrase ?? [words[at] ?? ''];
    parts.push({ words: taken, synonyms: found ? synonymsOf(taken) : singularSynonyms(taken) });
    at += taken.length;
  }
  const telling = parts.filter(({ words: [first = '', second] }) => second !== undefined || !EMPTY.has(first));
  return telling.length > 0 ? telling : parts;
}

/** A word may be in several groups. */
function synonymsOf(phrase: Phrase): Phrase[] {
  const text = phrase.join(' ');
  const of = (byFirst.get(phrase[0] ?? '') ?? []).filter((each) => each.phrase.join(' ') === text);
  return of.flatMap(({ group }) => group).filter((other) => other.join(' ') !== text);
}

/** `customers` has the synonyms of `customer`. */
function singularSynonyms([word = '']: Phrase): Phrase[] {
  const singular = [
    word.replace(/s$/, ''),
    word.replace(/es$/, ''),
    word.replace(/ies$/, 'y'),
    word.replace(/(en|n)$/, ''),
  ];
  const known = singular.find(
    (each) => each !== word && each.length > 2 && byFirst.get(each)?.some(({ phrase }) => phrase.length === 1),
  );
  return known === undefined ? [] : synonymsOf([known]);
}
