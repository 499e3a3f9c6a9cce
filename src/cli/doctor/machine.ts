import { access, constants, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Finding } from '../../contract/finding.ts';
import { compareVersions } from '../../postgres/version.ts';

/** What Howdah stands on, on this machine. */
export interface Machine {
  /** Such as `20.20.2`. */
  readonly nodeVersion: string;
  /** The oldest that will do. */
  readonly nodeNeeded: string;
  readonly auditDirectory: string;
  /** The npm package with PostgreSQL for this platform. */
  readonly embeddedPackage: string;
  readonly embeddedInstalled: boolean;
}

/** Less than this fills up within a day of busy calls. */
const DISK_BYTES = 256 * 1024 * 1024;

export async function examineMachine(machine: Machine): Promise<Finding[]> {
  return [...judgeNode(machine), ...(await judgeAuditDirectory(machine.auditDirectory)), ...judgeEmbedded(machine)];
}

function judgeNode({ nodeVersion, nodeNeeded }: Machine): Finding[] {
  if (compareVersions(nodeVersion, nodeNeeded) >= 0) {
    return [{ severity: 'ok', claim: `Node.js ${nodeVersion} will do.`, evidence: {} }];
  }
  const claim = `Node.js ${nodeVersion} is too old.`;
  return [
    {
      severity: 'critical',
      claim,
      evidence: { needed: nodeNeeded },
      next_step: `Install Node.js ${nodeNeeded} or newer.`,
    },
  ];
}

/** The directory may be made at the first call; then what counts is where it will be. */
async function judgeAuditDirectory(directory: string): Promise<Finding[]> {
  const place = await nearestDirectory(directory);
  const object = directory;
  try {
    await access(place, constants.W_OK | constants.X_OK);
  } catch {
    const next_step = `Let this user write to ${place}, or set audit.directory.`;
    return [
      {
        severity: 'critical',
        claim: 'The audit log cannot be written, so no call is answered.',
        object,
        evidence: {},
        next_step,
      },
    ];
  }
  const [{ mode }, { bavail, bsize }] = await Promise.all([stat(place), statfs(place)]);
  const free_bytes = bavail * bsize;
  const findings: Finding[] = [];
  if (free_bytes < DISK_BYTES) {
    const claim = 'The disk of the audit log is nearly full; when it is, no call is answered.';
    findings.push({
      severity: 'warning',
      claim,
      object,
      evidence: { free_bytes },
      next_step: 'Make room, or set audit.directory.',
    });
  }
  if (place === directory && (mode & 0o077) !== 0) {
    const claim = 'Other users of this machine may look into the audit log.';
    findings.push({
      severity: 'notice',
      claim,
      object,
      evidence: { mode: (mode & 0o777).toString(8) },
      next_step: `chmod 700 ${directory}`,
    });
  }
  if (findings.length > 0) return findings;
  return [{ severity: 'ok', claim: 'The audit log can be written.', object, evidence: { free_bytes } }];
}

async function nearestDirectory(path: string): Promise<string> {
  const found = await stat(path).then(
    () => true,
    () => false,
  );
  return found || dirname(path) === path ? path : nearestDirectory(dirname(path));
}

function judgeEmbedded({ embeddedPackage, embeddedInstalled }: Machine): Finding[] {
  const object = embeddedPackage;
  if (embeddedInstalled)
    return [{ severity: 'ok', claim: 'The PostgreSQL that comes along is installed.', object, evidence: {} }];
  const claim = 'The PostgreSQL that comes along is not installed; the demo, and serve without store.url, need it.';
  return [{ severity: 'notice', claim, object, evidence: {}, next_step: 'npm install --include=optional' }];
}
