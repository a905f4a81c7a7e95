/** `doctor.checks` (ours): what the running gateway knows of its own state, each finding with its remedy. */
import { DoctorChecksParams } from '../../core/schema/rpc.js';
import { validator } from '../validate.js';
import { method } from './method.js';

export const doctorChecks = method({
  name: 'doctor.checks',
  scope: 'operator.read',
  params: validator(DoctorChecksParams),
  async handler(params, { deps }) {
    const checks = await deps.doctor(params.deep ?? false);
    return { ok: checks.every((check) => check.status !== 'fail'), checks };
  },
});

export const doctorMethods = [doctorChecks];
