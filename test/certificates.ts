/** Certificates for tests, made anew for each run: X.509 version 3 in DER (RFC 5280), signed with ECDSA on P-256. */
import { generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';

export interface Certificate {
  /** PEM. */
  readonly certificate: string;
  /** PEM, PKCS #8. */
  readonly key: string;
  readonly serial: Buffer;
}

export interface Authority extends Certificate {
  issue(commonName: string, names?: { readonly dns?: readonly string[]; readonly ip?: readonly string[] }): Certificate;
  /** A revocation list with these certificates in it, PEM. */
  revoke(...certificates: readonly Certificate[]): string;
}

export function createAuthority(commonName: string): Authority {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const issuer = nameOf(commonName);
  const own = certify({ issuer, subject: issuer, publicKey, signer: privateKey, extension: IS_AUTHORITY });
  return {
    ...own,
    key: pemOf(privateKey),
    issue: (subject, { dns = [], ip = [] } = {}) => {
      const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const extension = alternativeNames([
        ...dns.map((name) => der(0x82, Buffer.from(name))),
        ...ip.map((address) => der(0x87, Buffer.from(address.split('.').map(Number)))),
      ]);
      const issued = certify({
        issuer,
        subject: nameOf(subject),
        publicKey: pair.publicKey,
        signer: privateKey,
        extension,
      });
      return { ...issued, key: pemOf(pair.privateKey) };
    },
    revoke: (...certificates) => {
      const entries = certificates.map(({ serial }) => sequence(integer(serial), time(-1)));
      const list = sequence(integer(1), ECDSA_WITH_SHA256, issuer, time(-1), time(1), sequence(...entries));
      return pem('X509 CRL', signed(list, privateKey));
    },
  };
}

interface Contents {
  readonly issuer: Buffer;
  readonly subject: Buffer;
  readonly publicKey: KeyObject;
  readonly signer: KeyObject;
  readonly extension: Buffer;
}

function certify({ issuer, subject, publicKey, signer, extension }: Contents) {
  const serial = Buffer.concat([Buffer.from([1]), randomBytes(8)]);
  const certificate = sequence(
    der(0xa0, integer(2)),
    integer(serial),
    ECDSA_WITH_SHA256,
    issuer,
    sequence(time(-1), time(1)),
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(extension)),
  );
  return { certificate: pem('CERTIFICATE', signed(certificate, signer)), serial };
}

function signed(contents: Buffer, signer: KeyObject): Buffer {
  const signature = sign('sha256', contents, signer);
  return sequence(contents, ECDSA_WITH_SHA256, der(0x03, Buffer.from([0]), signature));
}

function der(tag: number, ...contents: readonly Buffer[]): Buffer {
  const body = Buffer.concat(contents);
  const length = body.length < 128 ? [body.length] : [0x82, body.length >> 8, body.length & 255];
  return Buffer.concat([Buffer.from([tag, ...length]), body]);
}

function sequence(...contents: readonly Buffer[]): Buffer {
  return der(0x30, ...contents);
}

function integer(value: number | Buffer): Buffer {
  return der(0x02, typeof value === 'number' ? Buffer.from([value]) : value);
}

function nameOf(commonName: string): Buffer {
  const commonNameId = Buffer.from('0603550403', 'hex');
  return sequence(der(0x31, sequence(commonNameId, der(0x0c, Buffer.from(commonName)))));
}

/** UTCTime, days from now. */
function time(days: number): Buffer {
  const text = new Date(Date.now() + days * 86_400_000).toISOString().replaceAll(/[-:T]|\.\d+/g, '');
  return der(0x17, Buffer.from(text.slice(2)));
}

function alternativeNames(names: readonly Buffer[]): Buffer {
  return sequence(Buffer.from('0603551d11', 'hex'), der(0x04, sequence(...names)));
}

function pemOf(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

function pem(label: string, contents: Buffer): string {
  const lines = contents.toString('base64').match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}

const ECDSA_WITH_SHA256 = sequence(Buffer.from('06082a8648ce3d040302', 'hex'));
const IS_AUTHORITY = sequence(
  Buffer.from('0603551d13', 'hex'),
  der(0x01, Buffer.from([255])),
  der(0x04, sequence(der(0x01, Buffer.from([255])))),
);
