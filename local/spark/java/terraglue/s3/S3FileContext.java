package terraglue.s3;

import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;

import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.DelegateToFileSystem;

/** The same file system for Hadoop's FileContext, which the checkpoints of streams use. */
public class S3FileContext extends DelegateToFileSystem {
    public S3FileContext(URI uri, Configuration conf) throws IOException, URISyntaxException {
        super(uri, new S3FileSystem(), conf, uri.getScheme(), false);
    }

    public int getUriDefaultPort() {
        return -1;
    }
}
