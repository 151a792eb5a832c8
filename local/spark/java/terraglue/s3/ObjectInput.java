package terraglue.s3;

import java.io.EOFException;
import java.io.IOException;

import org.apache.hadoop.fs.FSExceptionMessages;
import org.apache.hadoop.fs.FSInputStream;
import org.apache.hadoop.fs.FileSystem;

/**
 * Reads an object in blocks, each with one request that can be repeated.
 *
 * <p>The first block shows that the object exists and may be read, and is all of a small object. Blocks grow while
 * they are read in sequence.
 */
final class ObjectInput extends FSInputStream {
    private static final int SMALLEST = 1 << 20;
    private static final int LARGEST = 16 << 20;

    private final Service service;
    private final String bucket;
    private final String key;
    private final FileSystem.Statistics statistics;
    private String tag;
    private long length = -1L;
    private long position;
    private long start;
    private byte[] block = new byte[0];
    private int size = SMALLEST;
    private boolean isClosed;

    ObjectInput(Service service, String bucket, String key, FileSystem.Statistics statistics)
            throws IOException {
        this.service = service;
        this.bucket = bucket;
        this.key = key;
        this.statistics = statistics;
        fetch(0L);
    }

    private void fetch(long from) throws IOException {
        Answer answer = service.get(bucket, key, from, from + size, tag);
        statistics.incrementReadOps(1);
        if (answer.status == 416) { // S3 cannot return a range of an empty object
            length = 0L;
            return;
        }
        start = answer.range == null ? 0L : from;
        block = answer.body;
        tag = answer.tag;
        String range = answer.range;
        length = range == null ? (long) block.length : Long.parseLong(range.substring(range.indexOf('/') + 1));
    }

    /** Returns whether the block contains the position, after fetching it if necessary. */
    private boolean filled() throws IOException {
        if (isClosed) {
            throw new IOException(FSExceptionMessages.STREAM_IS_CLOSED);
        }
        if (position >= length) {
            return false;
        }
        long end = start + block.length;
        if (position < start || position >= end) {
            long from = position;
            if (position == end) {
                size = Math.min(4 * size, LARGEST);
            } else {
                size = SMALLEST;
                from = Math.min(position, Math.max(0L, length - size)); // with what follows a file's footer
            }
            fetch(from);
        }
        return position < start + block.length && position >= start;
    }

    public synchronized int read() throws IOException {
        if (!filled()) {
            return -1;
        }
        int value = block[(int) (position - start)] & 255;
        position++;
        statistics.incrementBytesRead(1L);
        return value;
    }

    public synchronized int read(byte[] buffer, int offset, int most) throws IOException {
        if (most == 0) {
            return 0;
        }
        if (!filled()) {
            return -1;
        }
        int begin = (int) (position - start);
        int count = Math.min(most, block.length - begin);
        System.arraycopy(block, begin, buffer, offset, count);
        position += count;
        statistics.incrementBytesRead((long) count);
        return count;
    }

    public synchronized void seek(long target) throws IOException {
        if (target < 0L) {
            throw new EOFException(FSExceptionMessages.NEGATIVE_SEEK);
        }
        if (target > length) {
            throw new EOFException(FSExceptionMessages.CANNOT_SEEK_PAST_EOF);
        }
        position = target;
    }

    public synchronized long getPos() {
        return position;
    }

    public boolean seekToNewSource(long target) {
        return false;
    }

    public synchronized int available() {
        return (int) Math.min(length - position, (long) Integer.MAX_VALUE);
    }

    public synchronized void close() {
        isClosed = true;
        block = new byte[0];
    }
}
