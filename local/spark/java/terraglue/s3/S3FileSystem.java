package terraglue.s3;

import java.io.File;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.net.URI;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Set;

import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.BlockLocation;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileAlreadyExistsException;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.FileUtil;
import org.apache.hadoop.fs.InvalidPathException;
import org.apache.hadoop.fs.LocatedFileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.PathIsNotEmptyDirectoryException;
import org.apache.hadoop.fs.RemoteIterator;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.util.Progressable;

/**
 * A bucket of the emulator as a file system, with the semantics of Hadoop's S3A.
 *
 * <p>Spark's own compiler, Janino, compiles this package. It knows no lambdas and ignores type arguments.
 */
public class S3FileSystem extends FileSystem {
    static final long BLOCK_SIZE = 64L * 1024L * 1024L;
    private static final int PAGE = 1000;

    private URI uri;
    private String bucket;
    private Path workingDirectory;
    private Service service;
    private Uncommitted uncommitted;
    private File scratch;
    private MadeFolders made;
    /** Folders that were found in S3, where there was no object of the same name. */
    private final Set seen = Collections.synchronizedSet(new HashSet());

    public void initialize(URI name, Configuration conf) throws IOException {
        super.initialize(name, conf);
        setConf(conf);
        bucket = name.getAuthority();
        if (bucket == null) {
            throw new IOException("Bucket name is missing: " + name);
        }
        uri = URI.create(name.getScheme() + "://" + bucket);
        workingDirectory = new Path("/user/" + System.getProperty("user.name")).makeQualified(uri, null);
        service = new Service(conf);
        made = new MadeFolders(service.endpoint(), bucket);
        scratch = new File(conf.get("terraglue.s3.scratch", System.getProperty("java.io.tmpdir")));
        uncommitted = new Uncommitted(scratch, bucket, conf);
    }

    public URI getUri() {
        return uri;
    }

    public String getScheme() {
        return uri.getScheme();
    }

    /** Returns null: there are no delegation tokens, and the name of a bucket is not that of a host. */
    public String getCanonicalServiceName() {
        return null;
    }

    public long getDefaultBlockSize() {
        return BLOCK_SIZE;
    }

    public void setWorkingDirectory(Path path) {
        workingDirectory = makeQualified(path);
    }

    public Path getWorkingDirectory() {
        return workingDirectory;
    }

    // Reading

    public FileStatus getFileStatus(Path path) throws IOException {
        Path place = makeQualified(path);
        String key = key(place);
        if (Uncommitted.holds(key)) {
            return uncommitted.status(key, place);
        }
        // Spark asks several times for each folder that it reads, and for the log of a stream's output in it,
        // which is a folder. A known folder needs one request.
        boolean isOnlyFolder = key.isEmpty() || place.getName().equals("_spark_metadata");
        boolean isKnown = isOnlyFolder || seen.contains(key);
        if (isKnown && isFolder(key)) {
            return folder(place);
        }
        Entry entry = isOnlyFolder ? null : service.head(bucket, key);
        if (entry != null) {
            return file(entry, place);
        }
        if (!isKnown && isFolder(key)) {
            seen.add(key);
            return folder(place);
        }
        seen.remove(key);
        throw new FileNotFoundException("No such file or directory: " + place);
    }

    /** Returns whether objects begin with the key of a folder, or this process made the folder. */
    private boolean isFolder(String key) throws IOException {
        boolean isListed = !service.list(bucket, prefix(key), true, 1, null).isEmpty();
        return isListed || key.isEmpty() || made.contains(key);
    }

    public boolean isFile(Path path) throws IOException {
        String key = key(makeQualified(path));
        if (Uncommitted.holds(key)) {
            return uncommitted.file(key).isFile();
        }
        return !key.isEmpty() && service.head(bucket, key) != null;
    }

    public boolean isDirectory(Path path) throws IOException {
        String key = key(makeQualified(path));
        if (Uncommitted.holds(key)) {
            return uncommitted.file(key).isDirectory();
        }
        return isFolder(key);
    }

    public FileStatus[] listStatus(Path path) throws IOException {
        Path place = makeQualified(path);
        String key = key(place);
        if (Uncommitted.holds(key)) {
            return uncommitted.list(key, place);
        }
        List found = new ArrayList();
        Set names = new HashSet();
        boolean isFolder = false;
        String page = null;
        do {
            Listing listing = service.list(bucket, prefix(key), false, PAGE, page);
            isFolder = isFolder || !listing.isEmpty();
            addFiles(found, listing);
            for (Iterator each = listing.prefixes.iterator(); each.hasNext();) {
                String prefix = (String) each.next();
                addFolder(found, names, prefix.substring(0, prefix.length() - 1));
            }
            page = listing.next;
        } while (page != null);
        List empty = made.in(key);
        for (Iterator each = empty.iterator(); each.hasNext();) {
            addFolder(found, names, (String) each.next());
        }
        if (!isFolder && empty.isEmpty()) {
            FileStatus status = getFileStatus(place); // raises the error of a path that does not exist
            if (status.isFile()) {
                found.add(status);
            }
        }
        return (FileStatus[]) found.toArray(new FileStatus[found.size()]);
    }

    private void addFiles(List found, Listing listing) {
        for (Iterator each = listing.entries.iterator(); each.hasNext();) {
            Entry entry = (Entry) each.next();
            if (isPath(entry.key)) { // a key that ends with a slash stands for an empty folder
                found.add(file(entry, path(entry.key)));
            }
        }
    }

    private void addFolder(List found, Set known, String key) {
        if (isPath(key) && known.add(key)) {
            found.add(folder(path(key)));
        }
    }

    /** Lists the files of a folder and its folders with one request for 1,000 of them. */
    public RemoteIterator listFiles(Path path, boolean recursive) throws IOException {
        Path place = makeQualified(path);
        String key = key(place);
        if (!recursive || Uncommitted.holds(key)) {
            return super.listFiles(path, recursive);
        }
        List found = new ArrayList();
        boolean isFolder = false;
        String page = null;
        do {
            Listing listing = service.list(bucket, prefix(key), true, PAGE, page);
            isFolder = isFolder || !listing.isEmpty();
            addFiles(found, listing);
            page = listing.next;
        } while (page != null);
        if (!isFolder) {
            FileStatus status = getFileStatus(place);
            if (status.isFile()) {
                found.add(status);
            }
        }
        return new Located(this, found.iterator());
    }

    private static final class Located implements RemoteIterator {
        private final FileSystem files;
        private final Iterator found;

        Located(FileSystem files, Iterator found) {
            this.files = files;
            this.found = found;
        }

        public boolean hasNext() {
            return found.hasNext();
        }

        public Object next() throws IOException {
            FileStatus status = (FileStatus) found.next();
            BlockLocation[] blocks = files.getFileBlockLocations(status, 0L, status.getLen());
            return new LocatedFileStatus(status, blocks);
        }
    }

    public FSDataInputStream open(Path path, int bufferSize) throws IOException {
        String key = key(makeQualified(path));
        if (Uncommitted.holds(key)) {
            return uncommitted.open(key, bufferSize);
        }
        if (key.isEmpty()) {
            throw new FileNotFoundException(path + " is a directory");
        }
        return new FSDataInputStream(new ObjectInput(service, bucket, key, statistics));
    }

    // Writing

    public FSDataOutputStream create(Path path, FsPermission permission, boolean overwrite, int bufferSize,
            short replication, long blockSize, Progressable progress) throws IOException {
        Path place = makeQualified(path);
        String key = key(place);
        if (Uncommitted.holds(key)) {
            return uncommitted.create(key, overwrite, bufferSize);
        }
        if (!overwrite && !key.isEmpty() && service.head(bucket, key) != null) {
            throw new FileAlreadyExistsException(place + " already exists");
        }
        boolean isMarker = place.getName().equals("_SUCCESS"); // created in each folder of output
        if (key.isEmpty() || !isMarker && isFolder(key)) {
            throw new FileAlreadyExistsException(place + " is a directory");
        }
        return new FSDataOutputStream(new ObjectOutput(service, bucket, key, scratch), statistics);
    }

    public FSDataOutputStream append(Path path, int bufferSize, Progressable progress) throws IOException {
        throw new UnsupportedOperationException("Objects in S3 cannot be appended to: " + path);
    }

    /** Remembers the folder. S3 has it as soon as it has an object in it. */
    public boolean mkdirs(Path path, FsPermission permission) throws IOException {
        Path place = makeQualified(path);
        String key = key(place);
        if (Uncommitted.holds(key)) {
            String committed = key;
            while (Uncommitted.holds(committed)) {
                committed = MadeFolders.parent(committed);
            }
            made.add(committed);
            return uncommitted.mkdirs(key);
        }
        if (!key.isEmpty() && service.head(bucket, key) != null) {
            throw new FileAlreadyExistsException(place + " is a file");
        }
        made.add(key);
        return true;
    }

    public boolean rename(Path source, Path target) throws IOException {
        Path from = makeQualified(source);
        Path to = makeQualified(target);
        String fromKey = key(from);
        String toKey = key(to);
        boolean isStaged = Uncommitted.holds(fromKey);
        if (isStaged && Uncommitted.holds(toKey)) {
            return uncommitted.rename(fromKey, toKey);
        }
        if (isStaged) { // committers name the target in full, and have made room for it
            uncommitted.status(fromKey, from); // raises the error of a source that does not exist
            publish(uncommitted.file(fromKey), toKey);
            return uncommitted.delete(fromKey, true);
        }
        if (Uncommitted.holds(toKey)) {
            return FileUtil.copy(this, from, this, to, true, getConf());
        }
        FileStatus status = getFileStatus(from);
        if (fromKey.equals(toKey)) {
            return status.isFile();
        }
        if (fromKey.isEmpty() || toKey.startsWith(prefix(fromKey)) && status.isDirectory()) {
            return false;
        }
        try {
            if (getFileStatus(to).isFile()) {
                return false;
            }
            toKey = prefix(toKey) + from.getName();
            if (fromKey.equals(toKey) || exists(path(toKey))) {
                return false;
            }
        } catch (FileNotFoundException absent) {
            // The target is free.
        }
        if (status.isFile()) {
            service.copy(bucket, fromKey, toKey);
            service.delete(bucket, fromKey);
        } else {
            List keys = keysBelow(fromKey);
            for (Iterator each = keys.iterator(); each.hasNext();) {
                String key = (String) each.next();
                service.copy(bucket, key, toKey + key.substring(fromKey.length()));
            }
            deleteAll(keys);
            made.remove(fromKey);
            made.add(toKey);
        }
        made.add(MadeFolders.parent(fromKey));
        return true;
    }

    private void publish(File file, String key) throws IOException {
        if (file.isFile()) {
            service.put(bucket, key, file);
            return;
        }
        made.add(key);
        File[] files = file.listFiles();
        Arrays.sort(files);
        for (int i = 0; i < files.length; i++) {
            publish(files[i], prefix(key) + files[i].getName());
        }
    }

    public boolean delete(Path path, boolean recursive) throws IOException {
        Path place = makeQualified(path);
        String key = key(place);
        if (Uncommitted.holds(key)) {
            return uncommitted.delete(key, recursive);
        }
        if (key.isEmpty()) { // as in S3A, the root of a bucket cannot be deleted
            return service.list(bucket, "", true, 1, null).isEmpty();
        }
        if (service.head(bucket, key) != null) {
            service.delete(bucket, key);
        } else {
            List keys = keysBelow(key);
            if (keys.isEmpty() && !made.contains(key)) {
                return false;
            }
            boolean isEmpty = keys.isEmpty() || keys.size() == 1 && keys.get(0).equals(prefix(key));
            if (!recursive && !(isEmpty && made.in(key).isEmpty())) {
                throw new PathIsNotEmptyDirectoryException(place.toString());
            }
            deleteAll(keys);
            uncommitted.delete(key, true);
            made.remove(key);
        }
        made.add(MadeFolders.parent(key));
        return true;
    }

    private List keysBelow(String key) throws IOException {
        List keys = new ArrayList();
        String page = null;
        do {
            Listing listing = service.list(bucket, prefix(key), true, PAGE, page);
            for (Iterator each = listing.entries.iterator(); each.hasNext();) {
                keys.add(((Entry) each.next()).key);
            }
            page = listing.next;
        } while (page != null);
        return keys;
    }

    private void deleteAll(List keys) throws IOException {
        for (int i = 0; i < keys.size(); i += PAGE) {
            service.delete(bucket, keys.subList(i, Math.min(i + PAGE, keys.size())));
        }
    }

    // Paths and keys

    private String key(Path place) {
        checkPath(place);
        String path = place.toUri().getPath();
        if (path.equals("/..") || path.startsWith("/../")) { // Path resolves all other ones
            throw new InvalidPathException(place.toString(), "the path leaves the bucket");
        }
        return path.startsWith("/") ? path.substring(1) : path;
    }

    private Path path(String key) {
        return new Path(uri.getScheme(), bucket, "/" + key);
    }

    /** Returns whether a key can be a path. Paths have no empty, `.` and `..` parts. */
    private static boolean isPath(String key) {
        String[] parts = key.split("/", -1);
        for (int i = 0; i < parts.length; i++) {
            if (parts[i].isEmpty() || parts[i].equals(".") || parts[i].equals("..")) {
                return false;
            }
        }
        return true;
    }

    private static String prefix(String key) {
        return key.isEmpty() ? "" : key + "/";
    }

    private FileStatus file(Entry entry, Path place) {
        return new FileStatus(entry.size, false, 1, BLOCK_SIZE, entry.modified, place);
    }

    private static FileStatus folder(Path place) {
        return new FileStatus(0L, true, 1, 0L, 0L, place);
    }
}
