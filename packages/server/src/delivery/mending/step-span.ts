import type { SpanAttributes, SpanOptions } from '../../core/tracing.ts';
import type { Job } from '../../store/jobs.ts';

/** One step of a job as others' tracing sees it. */
export function stepSpan({ id, spec, tenant }: Job, more: SpanAttributes = {}): SpanOptions {
  const attributes = {
    'posthorn.job.id': id,
    'posthorn.job.kind': spec.kind,
    'posthorn.tenant.id': tenant,
    ...more,
  };
  return { name: `posthorn.job ${spec.kind}`, kind: 'internal', parent: undefined, attributes };
}
