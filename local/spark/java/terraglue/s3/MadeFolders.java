package terraglue.s3;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Set;

/** The folders of a bucket that this process made. S3 has no empty folders, but scripts rely on them. */
final class MadeFolders {
    /** Folders of all buckets, as `endpoint/bucket/key/`, for all schemes. */
    private static final Set ALL = Collections.synchronizedSet(new HashSet());

    private final String root;

    MadeFolders(String endpoint, String bucket) {
        root = endpoint + "/" + bucket + "/";
    }

    /** Adds a folder and those that contain it. */
    void add(String key) {
        String folder = key;
        while (!folder.isEmpty()) {
            ALL.add(full(folder));
            folder = parent(folder);
        }
    }

    boolean contains(String key) {
        return ALL.contains(full(key));
    }

    /** Removes a folder and those in it. */
    void remove(String key) {
        String below = full(key);
        synchronized (ALL) {
            for (Iterator each = ALL.iterator(); each.hasNext();) {
                if (((String) each.next()).startsWith(below)) {
                    each.remove();
                }
            }
        }
    }

    /** Returns the keys of the folders directly in a folder. */
    List in(String key) {
        String above = full(key);
        List keys = new ArrayList();
        synchronized (ALL) {
            for (Iterator each = ALL.iterator(); each.hasNext();) {
                String folder = (String) each.next();
                if (folder.startsWith(above) && folder.indexOf('/', above.length()) == folder.length() - 1) {
                    keys.add(folder.substring(root.length(), folder.length() - 1));
                }
            }
        }
        return keys;
    }

    static String parent(String key) {
        return key.substring(0, Math.max(0, key.lastIndexOf('/')));
    }

    private String full(String key) {
        return key.isEmpty() ? root : root + key + "/";
    }
}
