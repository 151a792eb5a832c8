package terraglue.s3;

import java.io.IOException;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.nio.charset.StandardCharsets;

/** A response of S3, read to its end so that the connection is used again. */
final class Answer {
    final int status;
    final byte[] body;
    final long length;
    final long modified;
    final String range;
    final String tag;

    Answer(HttpURLConnection connection, String method) throws IOException {
        status = connection.getResponseCode();
        length = connection.getContentLengthLong();
        modified = connection.getLastModified();
        range = connection.getHeaderField("Content-Range");
        tag = connection.getHeaderField("ETag");
        InputStream in = status >= 400 ? connection.getErrorStream() : connection.getInputStream();
        if (in == null) {
            body = new byte[0];
        } else {
            body = in.readAllBytes();
            in.close();
        }
        if (length > body.length && status < 400 && !method.equals("HEAD")) {
            throw new IOException("The response ended after " + body.length + " of " + length + " bytes.");
        }
    }

    /** Returns whether the same request may succeed later: an error of the server, or "slow down". */
    boolean isTransient() {
        return status >= 500 && status != 501 || status == 429
            || status == 400 && element("Code").equals("RequestTimeout");
    }

    String text() {
        return new String(body, StandardCharsets.UTF_8);
    }

    /** Returns the text of the first XML element of an error with this name, or an empty string. */
    String element(String name) {
        String text = text();
        int start = text.indexOf("<" + name + ">");
        int end = text.indexOf("</" + name + ">");
        if (start < 0 || end < start) {
            return "";
        }
        String found = text.substring(start + name.length() + 2, end);
        return found.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"")
            .replace("&#34;", "\"").replace("&#39;", "'").replace("&apos;", "'").replace("&amp;", "&");
    }
}
