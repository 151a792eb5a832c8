package terraglue.s3;

/** An object as S3 lists it. */
final class Entry {
    final String key;
    final long size;
    final long modified;

    /** `modified` is in milliseconds. Only its seconds count, because HEAD returns no more. */
    Entry(String key, long size, long modified) {
        this.key = key;
        this.size = size;
        this.modified = modified / 1000L * 1000L;
    }
}
