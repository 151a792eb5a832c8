package terraglue.s3;

import java.io.BufferedOutputStream;
import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;

/** Writes a local file and puts it as an object when it is closed. PutObject accepts up to 5 GB. */
final class ObjectOutput extends OutputStream {
    private final Service service;
    private final String bucket;
    private final String key;
    private final File file;
    private final OutputStream out;
    private boolean isClosed;

    ObjectOutput(Service service, String bucket, String key, File folder) throws IOException {
        this.service = service;
        this.bucket = bucket;
        this.key = key;
        folder.mkdirs();
        file = File.createTempFile("object-", "", folder);
        out = new BufferedOutputStream(new FileOutputStream(file), 1 << 16);
    }

    public void write(int value) throws IOException {
        out.write(value);
    }

    public void write(byte[] buffer, int offset, int count) throws IOException {
        out.write(buffer, offset, count);
    }

    public void flush() throws IOException {
        out.flush();
    }

    public void close() throws IOException {
        if (isClosed) {
            return;
        }
        isClosed = true;
        try {
            out.close();
            service.put(bucket, key, file);
        } finally {
            file.delete();
        }
    }
}
