import { DatabaseError } from 'pg';
import { describe, expect, it } from 'vitest';
import { describeHost, toCallerError } from './errors.ts';

function serverError(sqlstate: string, message: string, others: Partial<DatabaseError> = {}): DatabaseError {
  return Object.assign(new DatabaseError(message, 0, 'error'), { code: sqlstate, ...others });
}

const said = (sqlstate: string, message: string) => toCallerError(serverError(sqlstate, message)).message;

describe('errors for callers', () => {
  it.each([
    ['3D000', 'NOT_FOUND'],
    ['53300', 'SERVER_UNREACHABLE'],
    ['28P01', 'SERVER_UNREACHABLE'],
    ['28000', 'SERVER_UNREACHABLE'],
    ['08006', 'SERVER_UNREACHABLE'],
    ['57P01', 'SERVER_UNREACHABLE'],
    ['57P02', 'SERVER_UNREACHABLE'],
    ['57P03', 'SERVER_UNREACHABLE'],
    ['25P04', 'TIMEOUT'],
    ['42501', 'QUERY_FAILED'],
    ['55P03', 'QUERY_FAILED'],
    ['57014', 'QUERY_FAILED'],
    ['42P01', 'QUERY_FAILED'],
    ['XX000', 'QUERY_FAILED'],
  ])('gives SQLSTATE %s the code %s', (sqlstate, code) => {
    expect(toCallerError(serverError(sqlstate, 'x'))).toMatchObject({ code, details: { sqlstate } });
  });

  it('names what to grant when a right is missing', () => {
    expect(toCallerError(serverError('42501', 'permission denied for table t')).hint).toMatch(/pg_monitor.*GRANT/s);
  });

  it('keeps the words of PostgreSQL', () => {
    expect(said('42P01', 'relation "orders" does not exist')).toBe('relation "orders" does not exist');
  });

  it("passes PostgreSQL's hint on when it is about names", () => {
    const hint = 'Perhaps you meant to reference the column "o.id".';
    expect(toCallerError(serverError('42703', 'column "i" does not exist', { hint })).hint).toBe(hint);
  });

  it('leaves out the value that a data exception quotes, in any language', () => {
    expect(said('22P02', 'invalid input syntax for type integer: "4111 1111"')).toBe(
      'invalid input syntax for type integer: "…"',
    );
    expect(said('22P02', 'invalid input syntax for type json: "a "quoted" secret"')).not.toContain('secret');
    expect(said('22P02', 'syntaxe en entrée invalide pour le type integer : « 4111 »')).not.toContain('4111');
    expect(said('22P02', 'ungültige Eingabesyntax für Typ integer: »4111«')).not.toContain('4111');
  });

  it("leaves out the text of a function's own exception", () => {
    expect(said('P0001', 'card 4111 1111 is stolen')).not.toContain('4111');
  });

  it('never tells DETAIL, CONTEXT or QUERY, which quote data', () => {
    const planted = { detail: 'Key (card)=(4111)', where: 'COPY t, line 1: "4111"', internalQuery: 'select 4111' };
    const error = toCallerError(serverError('23505', 'duplicate key value', { ...planted, hint: 'look at 4111' }));
    expect(JSON.stringify(error)).not.toContain('4111');
  });

  it.each([
    'could not connect: postgres://shop:Tr0ub4dor@db/x',
    'could not connect: host=db password=Tr0ub4dor user=shop',
    "could not connect: host=db password='Tr0ub4dor with spaces' user=shop",
    "bad statement: ALTER ROLE shop PASSWORD 'Tr0ub4dor'",
    'option sslpassword = Tr0ub4dor is not known',
  ])('takes the secret out of %j', (message) => {
    const safe = said('XX000', message);
    expect(safe).not.toContain('Tr0ub4dor');
    expect(safe).toContain('[redacted]');
  });

  it('cuts a message of any length short', () => {
    expect(said('XX000', 'x'.repeat(100_000)).length).toBeLessThan(600);
  });

  it('takes a broken socket for an unreachable server, and what it does not know for its own fault', () => {
    expect(toCallerError(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })).code).toBe(
      'SERVER_UNREACHABLE',
    );
    expect(toCallerError(new TypeError('x is not a function'))).toMatchObject({
      code: 'INTERNAL',
      message: 'Something went wrong between Howdah and PostgreSQL.',
    });
  });
});

it('writes addresses as people do', () => {
  expect(describeHost({ host: 'db', port: 5432 })).toBe('db:5432');
  expect(describeHost({ host: '::1', port: 5432 })).toBe('[::1]:5432');
  expect(describeHost({ host: '/var/run/postgresql', port: 5433 })).toBe('/var/run/postgresql/.s.PGSQL.5433');
});
