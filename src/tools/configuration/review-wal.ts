import { formatBytes } from './setting-value.ts';
import { GB, HOUR, improve, MB, MINUTE, OK, risk, shouldBe, type Given, type Rule } from './review-rule.ts';

const PAGE = 'wal';

/** So many checkpoints say something. */
const SOME_CHECKPOINTS = 20;

function judgeMaxWalSize({ checkpoints, memory, workload, amount }: Given) {
  const size = amount('max_wal_size');
  const { timed, requested } = checkpoints ?? { timed: 0, requested: 0 };
  if (timed + requested >= SOME_CHECKPOINTS && requested > timed) {
    return improve(
      formatBytes(size * 2),
      `${requested} of ${timed + requested} checkpoints did not wait for checkpoint_timeout, most likely for want of room for WAL.`,
    );
  }
  if (size < 512 * MB) return improve('1GB', 'Checkpoints come often, and each is followed by whole pages in WAL.');
  const large = (memory ?? 0) >= 16 * GB && workload !== undefined;
  return large && size <= GB
    ? improve(workload === 'olap' ? '16GB' : '4GB', 'A machine of this size writes that in little time.')
    : OK;
}

function judgeCheckpointTimeout({ amount }: Given) {
  const timeout = amount('checkpoint_timeout');
  if (timeout < MINUTE) {
    return risk('notice', '5min', 'After each checkpoint every page that changes goes to WAL whole.');
  }
  if (timeout > HOUR)
    return improve('30min', 'After a crash, up to that much work is done again before anybody gets in.');
  return OK;
}

function judgeWalBuffers({ amount, isSet }: Given) {
  const own = isSet('wal_buffers') && amount('wal_buffers') > 0 && amount('wal_buffers') < MB;
  return own && amount('shared_buffers') >= GB ? improve('-1', 'PostgreSQL itself would take more, up to 16MB.') : OK;
}

export const WAL_RULES: readonly Rule[] = [
  {
    setting: 'wal_level',
    page: PAGE,
    judge: ({ value }) =>
      value('wal_level') === 'minimal'
        ? risk(
            'notice',
            'replica',
            'There can be no base backup while it runs, no standby, and no recovery to a point in time.',
          )
        : OK,
  },
  { setting: 'max_wal_size', page: PAGE, judge: judgeMaxWalSize },
  { setting: 'checkpoint_timeout', page: PAGE, judge: judgeCheckpointTimeout },
  {
    setting: 'checkpoint_completion_target',
    page: PAGE,
    judge: shouldBe(
      '0.9',
      ({ amount }) => amount('checkpoint_completion_target') >= 0.7,
      'Checkpoints write in bursts.',
    ),
  },
  { setting: 'wal_buffers', page: PAGE, judge: judgeWalBuffers },
  {
    setting: 'wal_compression',
    page: PAGE,
    judge: shouldBe(
      'on',
      ({ value }) => value('wal_compression') !== 'off',
      'Whole pages in WAL get smaller, for a little time of the processor.',
    ),
  },
  {
    setting: 'archive_mode',
    page: PAGE,
    judge: ({ value }) =>
      value('archive_mode') === 'off'
        ? improve(
            undefined,
            'No recovery to a point in time, unless something else keeps base backups and streams WAL.',
          )
        : OK,
  },
  {
    setting: 'max_wal_senders',
    page: 'replication',
    judge: shouldBe(
      '10',
      ({ amount }) => amount('max_wal_senders') > 0,
      'Neither standbys nor pg_basebackup can connect.',
    ),
  },
  {
    setting: 'max_slot_wal_keep_size',
    page: 'replication',
    judge: ({ amount, slots }) =>
      amount('max_slot_wal_keep_size') === -1 && slots > 0
        ? improve(
            undefined,
            'A slot that nobody reads keeps WAL until the disk is full; a share of the free space bounds it.',
          )
        : OK,
  },
  {
    setting: 'hot_standby',
    page: 'replication',
    judge: ({ value, standby }) =>
      standby && value('hot_standby') === 'off'
        ? improve('on', 'Nobody can look at the standby before it is needed.')
        : OK,
  },
  {
    setting: 'max_standby_streaming_delay',
    page: 'replication',
    judge: ({ amount, standby }) =>
      standby && amount('max_standby_streaming_delay') === -1
        ? improve(undefined, 'One query holds replay back for as long as it runs.')
        : OK,
  },
];
