/** Every function of pg_catalog, of all majors, where a statement may call one. */
import { afterAll, describe, expect, it } from 'vitest';
import { BUILT_IN_FUNCTIONS } from '../src/guard/built-ins.gen.ts';
import { BUILT_INS } from '../src/guard/reviewed-built-ins.ts';
import {
  ALLOWED_ARITIES,
  CATALOGUE,
  CATALOGUE_TYPES,
  PLAIN,
  REFUSED_IMMUTABLE,
} from '../src/guard/reviewed-functions.ts';
import { HIDES, offlineGuard } from './guard-kit.ts';

const guard = offlineGuard();
afterAll(() => guard.close());

const names = (kind: string) => [...BUILT_INS.values()].flatMap((each) => (each.kind === kind ? [each.name] : []));
const refused = names('refused');

/** With as many places as a call can stand in; `"f"(x)`, since some names are key words. */
const POSITIONS: Readonly<Record<string, (call: string, name: string) => string>> = {
  'target list': (call) => `SELECT ${call}`,
  FROM: (call) => `SELECT * FROM ${call} AS f`,
  VALUES: (call) => `VALUES (1, ${call})`,
  WHERE: (call) => `SELECT 1 FROM t WHERE ${call} IS NULL`,
  join: (call) => `SELECT 1 FROM a JOIN b ON (${call}) IS NULL`,
  order: (call) => `SELECT 1 FROM t ORDER BY ${call}`,
  window: (call) => `SELECT sum(x) OVER (PARTITION BY ${call}) FROM t`,
  CTE: (call) => `WITH c AS (SELECT ${call}) SELECT * FROM c`,
  'sub-select': (call) => `SELECT (SELECT ${call})`,
  'default argument': (call) => `SELECT coalesce(NULL, ${call})`,
  cast: (call) => `SELECT (${call})::text`,
  operator: (call) => `SELECT 1 WHERE 'x' = (${call})::text || 'y'`,
  'pg_catalog.': (call) => `SELECT pg_catalog.${call}`,
  'ROWS FROM': (call) => `SELECT * FROM ROWS FROM (unnest(ARRAY[1]), ${call}) AS f`,
  'attribute of a value': (_, name) => `SELECT ('x'::text)."${name}"`,
  'attribute of a function': (_, name) => `SELECT u."${name}" FROM unnest(ARRAY['x']) u`,
  'EXPLAIN of a change': (call) => `EXPLAIN UPDATE t SET x = ${call}`,
};

describe('a built-in that is not on the list', () => {
  it('is one of several hundred', () => {
    expect(refused.length).toBeGreaterThan(900);
    expect(BUILT_INS.size).toBeGreaterThan(2700);
  });

  it.each(Object.entries(POSITIONS))(
    'SQ-05: is refused in the place %s',
    async (_, write) => {
      const allowed: string[] = [];
      for (const name of refused) {
        const rule = await guard.ruleOf(write(`"${name}"('x')`, name));
        if (!['function/not-allowed', 'attribute/function'].includes(rule)) allowed.push(`${name}: ${rule}`);
      }
      expect(allowed).toEqual([]);
    },
    120_000,
  );
});

describe('a built-in on the list', () => {
  it('is allowed', async () => {
    const bounded = new Set(['repeat', 'lpad', 'rpad', 'array_fill', 'format', 'current_setting', 'pg_input_is_valid']);
    const searching = ['xpath', 'xpath_exists', 'xmlexists'];
    const kept = new Set([...bounded, ...searching, 'pg_input_error_info', ...Object.keys(ALLOWED_ARITIES)]);
    const wrong: string[] = [];
    for (const name of [...names('plain'), ...names('catalogue')].filter((each) => !kept.has(each))) {
      const rule = await guard.ruleOf(`SELECT "${name}"(1)`);
      if (rule !== 'allow') wrong.push(`${name}: ${rule}`);
    }
    expect(wrong).toEqual([]);
  }, 120_000);

  it('is refused to a persona that something is hidden from where it tells of the catalogue', async () => {
    const wrong: string[] = [];
    for (const name of names('catalogue')) {
      if ((await guard.ruleOf(`SELECT ("${name}"(1), 1)`, HIDES)) !== 'function/catalogue') wrong.push(name);
      if ((await guard.ruleOf(`SELECT (x)."${name}"`, HIDES)) !== 'attribute/function') wrong.push(`(x).${name}`);
    }
    expect(wrong).toEqual([]);
    for (const type of CATALOGUE_TYPES) {
      expect(await guard.ruleOf(`SELECT 'x'::${type}`, HIDES)).toBe('type/catalogue');
      expect(await guard.ruleOf(`SELECT ARRAY['x']::${type}[]`, HIDES)).toBe('type/catalogue');
      expect(await guard.ruleOf(`SELECT '{x}'::_${type}`, HIDES)).toBe('type/catalogue');
      expect(await guard.ruleOf(`SELECT (x).${type}`, HIDES)).toBe('attribute/function');
      expect(await guard.ruleOf(`SELECT 'x'::${type}`)).toBe('allow');
    }
  });
});

describe('the reviewed lists', () => {
  const volatility = new Map(
    Object.entries(BUILT_IN_FUNCTIONS).flatMap(([group, text]) =>
      text.split(/\s+/).map((name) => [name, group.split(' ')[1] ?? ''] as const),
    ),
  );

  it('name only functions that are there and that callers can call', () => {
    const all = [...PLAIN, ...CATALOGUE, ...REFUSED_IMMUTABLE, ...Object.keys(ALLOWED_ARITIES)];
    expect(all.filter((name) => volatility.get(name)?.includes('!') !== false)).toEqual([]);
  });

  it('name no function twice, and none that passes as immutable anyway', () => {
    expect([...PLAIN].filter((name) => CATALOGUE.has(name))).toEqual([]);
    expect([...PLAIN].filter((name) => volatility.get(name) === 'i')).toEqual([]);
  });

  /** What a name may begin with or contain that writes, waits, reads files or signals: none of it may slip in. */
  it('hold nothing that acts', () => {
    const acts =
      /^(lo_|lo(read|write)|pg_(ls_|read_|advisory|try_adv|log_|logical_(emit|slot)|create|drop|copy|switch|promote|reload|rotate|terminate|cancel|sleep|notify|export|import|restore|clear|sync|backup|start|stop|nextoid|wal_replay_(pause|resume)|replication_(slot_advance|origin_(create|drop|adv|sess|xact))|stat_(reset|clear|force|file))|binary_upgrade|brin_(summ|desumm)|gin_clean|nextval|setval|set_config|setseed|dblink|query_to|table_to|schema_to|database_to|cursor_to|ts_stat|txid_current$|pg_current_xact_id$)/;
    expect([...names('plain'), ...names('catalogue')].filter((name) => acts.test(name))).toEqual([]);
  });
});
