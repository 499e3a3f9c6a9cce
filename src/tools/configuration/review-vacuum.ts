import { HOUR, improve, MINUTE, OK, risk, shouldBe, type Given, type Opinion, type Rule } from './review-rule.ts';

const PAGE = 'vacuum';

/** Of 2^31, shortly before which the server takes no more writes. */
const LATE_FREEZE = 1_200_000_000;

function judgeNaptime({ amount }: Given) {
  const naptime = amount('autovacuum_naptime');
  if (naptime >= HOUR)
    return risk('warning', '1min', 'Tables are looked at less than once an hour, and grow meanwhile.');
  return naptime >= 10 * MINUTE ? improve('1min', 'Tables wait long before anybody looks at them.') : OK;
}

function judgeWorkers({ amount }: Given) {
  const [workers, slots] = [amount('autovacuum_max_workers'), amount('autovacuum_worker_slots')];
  if (slots > 0 && workers > slots) {
    return risk(
      'notice',
      `${slots}`,
      `Only ${slots} of ${workers} workers can start: autovacuum_worker_slots has no more.`,
    );
  }
  return workers < 2 ? improve('3', 'One large table keeps every other waiting.') : OK;
}

function judgeScaleFactor(setting: string) {
  return ({ amount }: Given) =>
    amount(setting) >= 0.5
      ? risk(
          'notice',
          setting.includes('analyze') ? '0.1' : '0.2',
          `Of a large table, ${Math.round(amount(setting) * 100)} % have to change first.`,
        )
      : OK;
}

function judgeThreshold(setting: string) {
  return ({ amount }: Given) =>
    amount(setting) >= 1_000_000 ? risk('notice', '50', 'Small and middling tables are never reached.') : OK;
}

function judgeCostDelay({ amount }: Given) {
  const own = amount('autovacuum_vacuum_cost_delay');
  const delay = own === -1 ? amount('vacuum_cost_delay') : own;
  if (delay >= 100) return risk('notice', '2ms', 'Autovacuum sleeps nearly all the time.');
  return delay >= 20
    ? improve('2ms', 'The default before PostgreSQL 12; autovacuum is ten times as slow with it.')
    : OK;
}

function judgeCostLimit({ amount }: Given) {
  const own = amount('autovacuum_vacuum_cost_limit');
  const limit = own === -1 ? amount('vacuum_cost_limit') : own;
  return limit < 100 ? improve('200', 'All workers share it, and sleep each time it is used up.') : OK;
}

/** From there it goes on in steps: each forces VACUUM of all tables that are older. */
const NEXT_FREEZE = 1_000_000_000;

function judgeFreeze(setting: string) {
  return ({ amount }: Given): Opinion => {
    if (amount(setting) <= LATE_FREEZE) return OK;
    const reason = 'VACUUM is forced when there is little time left before writes stop.';
    return {
      ...risk('warning', `${NEXT_FREEZE}`, reason),
      first: freezeOldest(setting.includes('multixact') ? 'mxid_age(relminmxid)' : 'age(relfrozenxid)'),
    };
  };
}

function freezeOldest(age: string): string {
  return [
    `SELECT oid::regclass, ${age}, pg_size_pretty(pg_relation_size(oid)) FROM pg_class WHERE relkind IN ('r', 'm', 't') ORDER BY ${age} DESC LIMIT 20;`,
    '-- in every database VACUUM (FREEZE) the oldest first, at a quiet time: whatever is older than the new value is vacuumed as soon as it holds, against wraparound, and gives way to nobody',
    '-- then lower it, and again in steps towards the default:',
  ].join('\n');
}

export const VACUUM_RULES: readonly Rule[] = [
  { setting: 'autovacuum_naptime', page: PAGE, judge: judgeNaptime },
  { setting: 'autovacuum_max_workers', page: PAGE, judge: judgeWorkers },
  { setting: 'autovacuum_vacuum_scale_factor', page: PAGE, judge: judgeScaleFactor('autovacuum_vacuum_scale_factor') },
  {
    setting: 'autovacuum_analyze_scale_factor',
    page: PAGE,
    judge: judgeScaleFactor('autovacuum_analyze_scale_factor'),
  },
  { setting: 'autovacuum_vacuum_threshold', page: PAGE, judge: judgeThreshold('autovacuum_vacuum_threshold') },
  {
    setting: 'autovacuum_vacuum_insert_threshold',
    page: PAGE,
    judge: shouldBe(
      '1000',
      ({ amount }) => amount('autovacuum_vacuum_insert_threshold') !== -1,
      'Tables that are only inserted into are not vacuumed before they have to be frozen.',
    ),
  },
  { setting: 'autovacuum_vacuum_cost_delay', page: PAGE, judge: judgeCostDelay },
  { setting: 'autovacuum_vacuum_cost_limit', page: PAGE, judge: judgeCostLimit },
  { setting: 'autovacuum_freeze_max_age', page: PAGE, judge: judgeFreeze('autovacuum_freeze_max_age') },
  {
    setting: 'autovacuum_multixact_freeze_max_age',
    page: PAGE,
    judge: judgeFreeze('autovacuum_multixact_freeze_max_age'),
  },
];
