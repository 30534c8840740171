import { conformance } from '@lethe/testkit/conformance';

conformance('audit', 'lethe.audit.v1.AuditLogger');
