package terraglue.s3;

import java.io.File;
import java.io.IOException;
import java.net.URI;

import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.RawLocalFileSystem;

/**
 * Files that a committer has not published yet: those in its temporary folders. They are in a local folder, so
 * that S3 never shows them and publishing needs one request a file.
 */
final class Uncommitted {
    private final FileSystem local = new RawLocalFileSystem(); // without files of checksums
    private final File folder;

    Uncommitted(File scratch, String bucket, Configuration conf) throws IOException {
        folder = new File(scratch, "uncommitted/" + bucket);
        local.initialize(URI.create("file:///"), conf);
    }

    /** Returns whether a key is in a temporary folder of Hadoop's, Spark's or Hive's committers. */
    static boolean holds(String key) {
        String[] names = key.split("/");
        for (int i = 0; i < names.length; i++) {
            String name = names[i];
            if (name.equals("_temporary") || name.startsWith(".spark-staging-")
                    || name.startsWith(".hive-staging")) {
                return true;
            }
        }
        return false;
    }

    File file(String key) {
        return new File(folder, key);
    }

    FileStatus status(String key, Path path) throws IOException {
        return shown(local.getFileStatus(path(key)), path);
    }

    FileStatus[] list(String key, Path path) throws IOException {
        FileStatus[] found = local.listStatus(path(key));
        for (int i = 0; i < found.length; i++) {
            boolean isItself = found.length == 1 && found[0].getPath().equals(path(key));
            Path name = new Path(null, null, found[i].getPath().getName()); // the name may have a colon
            found[i] = shown(found[i], isItself ? path : new Path(path, name));
        }
        return found;
    }

    FSDataInputStream open(String key, int bufferSize) throws IOException {
        return local.open(path(key), bufferSize);
    }

    FSDataOutputStream create(String key, boolean overwrite, int bufferSize) throws IOException {
        return local.create(path(key), overwrite, bufferSize);
    }

    boolean mkdirs(String key) throws IOException {
        return local.mkdirs(path(key));
    }

    boolean rename(String from, String to) throws IOException {
        return local.rename(path(from), path(to));
    }

    boolean delete(String key, boolean recursive) throws IOException {
        return local.delete(path(key), recursive);
    }

    private Path path(String key) {
        return new Path("file", null, file(key).getAbsolutePath());
    }

    private static FileStatus shown(FileStatus found, Path path) {
        return new FileStatus(found.getLen(), found.isDirectory(), 1, S3FileSystem.BLOCK_SIZE,
            found.getModificationTime(), path);
    }
}
