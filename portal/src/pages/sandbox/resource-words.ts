/** AWS resources in plain words. */

const TYPES: Record<string, string> = {
  "AWS::Athena::WorkGroup": "Athena workgroup",
  "AWS::CloudFormation::Stack": "CloudFormation stack",
  "AWS::Glue::Crawler": "Crawler",
  "AWS::Glue::Database": "Database",
  "AWS::Glue::Job": "Glue job",
  "AWS::Glue::Partition": "Partition",
  "AWS::Glue::SecurityConfiguration": "Encryption of the job",
  "AWS::Glue::Table": "Table",
  "AWS::IAM::Policy": "Permissions",
  "AWS::IAM::Role": "Role of the job",
  "AWS::KMS::Alias": "Name of the key",
  "AWS::KMS::Key": "Encryption key",
  "AWS::Logs::LogGroup": "Log group",
  "AWS::S3::Bucket": "Bucket",
  "AWS::S3::BucketPolicy": "Rules of a bucket",
};

/** "AWS::S3::AccessPoint" is "S3 access point". */
export function typeInWords(type: string): string {
  const [, service = "", name = ""] = type.split("::");
  return TYPES[type] ?? (name ? `${service} ${split(name).toLowerCase()}` : type);
}

const split = (name: string): string => name.replace(/([a-z0-9])([A-Z])/g, "$1 $2");

export type Phase = "done" | "busy" | "failed";

const VERBS: Record<string, [busy: string, done: string]> = {
  CREATE: ["being created", "created"],
  UPDATE: ["being changed", "changed"],
  DELETE: ["being removed", "removed"],
  ROLLBACK: ["being rolled back", "rolled back"],
  IMPORT: ["being imported", "imported"],
};

/** "CREATE_IN_PROGRESS" is "being created". */
export function statusInWords(status: string): { phase: Phase; words: string } {
  const [verb = "", ...rest] = status.split("_");
  const [busy, done] = VERBS[verb] ?? [status.toLowerCase(), status.toLowerCase()];
  if (rest.includes("FAILED")) return { phase: "failed", words: "failed" };
  if (rest.includes("SKIPPED")) return { phase: "done", words: "kept" };
  return rest.at(-1) === "COMPLETE" ? { phase: "done", words: done } : { phase: "busy", words: busy };
}
