import { improve, OK, risk, shouldBe, type Given, type Rule } from './review-rule.ts';

const PAGE = 'logging';

/** A setting that is on or off. */
function on(setting: string, reason: string): Rule {
  return { setting, page: PAGE, judge: shouldBe('on', ({ value }) => value(setting) === 'on', reason) };
}

/** From so much on something is logged; -1 is never. */
function from(setting: string, suggested: string, reason: string): Rule {
  return { setting, page: PAGE, judge: shouldBe(suggested, ({ amount }) => amount(setting) !== -1, reason) };
}

function judgeStatement({ value }: Given) {
  return value('log_statement') === 'all'
    ? improve('ddl', 'The log has every constant of every statement, those of secrets too, and grows fast.')
    : OK;
}

function judgeMinDuration({ amount }: Given) {
  const duration = amount('log_min_duration_statement');
  if (duration === -1) return improve('1s', 'Nobody can see later which statements were slow.');
  return duration === 0 ? improve('1s', 'Every statement is logged, which costs and hides the slow ones.') : OK;
}

/** Levels that leave errors out: https://www.postgresql.org/docs/current/runtime-config-logging.html#RUNTIME-CONFIG-SEVERITY-LEVELS */
const SILENT: readonly (string | undefined)[] = ['log', 'fatal', 'panic'];

export const LOGGING_RULES: readonly Rule[] = [
  on('log_lock_waits', 'Nobody can see later who waited for whose lock.'),
  on('log_checkpoints', 'Nobody can see how often checkpoints come, and how long they write.'),
  from('log_autovacuum_min_duration', '10min', 'Nobody can see what autovacuum did, and what kept it.'),
  from('log_temp_files', '10MB', 'Nobody can see which statements spill to disk.'),
  { setting: 'log_min_duration_statement', page: PAGE, judge: judgeMinDuration },
  { setting: 'log_statement', page: PAGE, judge: judgeStatement },
  {
    setting: 'log_min_messages',
    page: PAGE,
    judge: ({ value }) =>
      SILENT.includes(value('log_min_messages'))
        ? risk('notice', 'warning', 'Errors of statements are not logged.')
        : OK,
  },
  {
    setting: 'track_io_timing',
    page: 'statistics',
    judge: shouldBe(
      'on',
      ({ value }) => value('track_io_timing') === 'on',
      'Nobody can see whether statements wait for disks; pg_test_timing says what it costs.',
    ),
  },
  {
    setting: 'shared_preload_libraries',
    page: 'client',
    judge: ({ value }) =>
      value('shared_preload_libraries')?.includes('pg_stat_statements') === true
        ? OK
        : improve(undefined, 'Without pg_stat_statements among them nobody can see which statements cost most.'),
  },
];
