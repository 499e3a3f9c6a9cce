import { HOUR, improve, knownRisk, MINUTE, OK, risk, SECOND, shouldBe, type Given, type Rule } from './review-rule.ts';

/** A limit for every session of the server. */
function forAll(setting: string, reason: string): Rule {
  return {
    setting,
    page: 'client',
    judge: ({ amount }) => (amount(setting) > 0 && amount(setting) < HOUR ? improve('0', reason) : OK),
  };
}

function judgeDeadlock({ amount }: Given) {
  const timeout = amount('deadlock_timeout');
  if (timeout < 100) return improve('1s', 'Every short wait for a lock starts a search for deadlocks.');
  return timeout > 10 * SECOND ? improve('1s', 'Deadlocks, and waits worth logging, go unnoticed for so long.') : OK;
}

/** Addresses other than the machine's own. */
function listensToOthers({ value }: Given): boolean {
  const addresses = (value('listen_addresses') ?? '').split(',').map((each) => each.trim());
  return addresses.some((each) => each !== '' && !/^(?:localhost|127\.[\d.]+|::1)$/.test(each));
}

/** Settings that server_overview and settings report. */
function safeOn(setting: string, page: string, reason: string): Rule {
  return { setting, page, judge: ({ value }) => (value(setting) === 'on' ? OK : knownRisk('on', reason)) };
}

export const SAFETY_RULES: readonly Rule[] = [
  safeOn('fsync', 'wal', 'A crash of the machine can destroy every database.'),
  safeOn('full_page_writes', 'wal', 'A crash of the machine can leave pages half written.'),
  safeOn('autovacuum', 'vacuum', 'Dead rows stay, statistics age, and transaction ids run out.'),
  safeOn('track_counts', 'statistics', 'Autovacuum has nothing to go by.'),
  {
    setting: 'synchronous_commit',
    page: 'wal',
    judge: ({ value }) =>
      value('synchronous_commit') === 'off'
        ? knownRisk('on', 'A crash loses the transactions of the last moments.')
        : OK,
  },
  {
    setting: 'idle_in_transaction_session_timeout',
    page: 'client',
    judge: shouldBe(
      '10min',
      ({ amount }) => amount('idle_in_transaction_session_timeout') > 0,
      'A forgotten transaction holds its locks, and keeps VACUUM from cleaning up, for as long as its session lasts.',
    ),
  },
  forAll(
    'statement_timeout',
    'It ends dumps, index builds and VACUUM too; ALTER ROLE … SET gives it to those it is for.',
  ),
  forAll('lock_timeout', 'It ends waits of every session; ALTER ROLE … SET gives it to those it is for.'),
  forAll('transaction_timeout', 'It ends dumps and maintenance too; ALTER ROLE … SET gives it to those it is for.'),
  { setting: 'deadlock_timeout', page: 'locks', judge: judgeDeadlock },
  {
    setting: 'data_sync_retry',
    page: 'error-handling',
    judge: ({ value }) =>
      value('data_sync_retry') === 'on'
        ? risk('warning', 'off', 'After a failed flush the kernel may have dropped what it says it wrote.')
        : OK,
  },
  {
    setting: 'restart_after_crash',
    page: 'error-handling',
    judge: shouldBe(
      'on',
      ({ value }) => value('restart_after_crash') === 'on',
      'After a crash of one session the server stays down, unless a cluster manager starts it.',
    ),
  },
  {
    setting: 'ssl',
    page: 'connection',
    judge: (given) =>
      given.value('ssl') === 'off' && listensToOthers(given)
        ? improve('on', 'Other machines connect without encryption; a certificate is needed.')
        : OK,
  },
  {
    setting: 'password_encryption',
    page: 'connection',
    judge: shouldBe(
      'scram-sha-256',
      ({ value }) => value('password_encryption') === 'scram-sha-256',
      'New passwords are hashed with MD5, which PostgreSQL is giving up.',
    ),
  },
  {
    setting: 'idle_session_timeout',
    page: 'client',
    judge: ({ amount }) =>
      amount('idle_session_timeout') > 0 && amount('idle_session_timeout') < MINUTE
        ? improve('0', 'It ends the connections of poolers, which do not expect that.')
        : OK,
  },
];
