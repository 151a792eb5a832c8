package terraglue.s3;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URLDecoder;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import javax.xml.stream.XMLInputFactory;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamReader;

/** A page of ListObjectsV2, whose keys are URL-encoded. */
final class Listing {
    /** Objects (Entry). */
    final List entries = new ArrayList();
    /** Common prefixes (String), each with its slash. */
    final List prefixes = new ArrayList();
    /** Token of the next page, or null. */
    final String next;

    Listing(byte[] xml) throws IOException {
        String token = null;
        String key = null;
        long size = 0L;
        long modified = 0L;
        try {
            // Not newInstance: Spark's class path contains other parsers.
            XMLInputFactory factory = XMLInputFactory.newDefaultFactory();
            factory.setProperty(XMLInputFactory.IS_COALESCING, Boolean.TRUE);
            factory.setProperty(XMLInputFactory.SUPPORT_DTD, Boolean.FALSE);
            XMLStreamReader reader = factory.createXMLStreamReader(new ByteArrayInputStream(xml));
            boolean isCommon = false;
            while (reader.hasNext()) {
                int event = reader.next();
                if (event == XMLStreamReader.START_ELEMENT) {
                    String name = reader.getLocalName();
                    if (name.equals("CommonPrefixes")) {
                        isCommon = true;
                    } else if (name.equals("Key")) {
                        key = URLDecoder.decode(reader.getElementText(), "UTF-8");
                    } else if (name.equals("Size")) {
                        size = Long.parseLong(reader.getElementText());
                    } else if (name.equals("LastModified")) {
                        modified = Instant.parse(reader.getElementText()).toEpochMilli();
                    } else if (name.equals("Prefix") && isCommon) {
                        prefixes.add(URLDecoder.decode(reader.getElementText(), "UTF-8"));
                    } else if (name.equals("NextContinuationToken")) {
                        token = reader.getElementText();
                    }
                } else if (event == XMLStreamReader.END_ELEMENT) {
                    String name = reader.getLocalName();
                    if (name.equals("Contents")) {
                        entries.add(new Entry(key, size, modified));
                    } else if (name.equals("CommonPrefixes")) {
                        isCommon = false;
                    }
                }
            }
        } catch (XMLStreamException error) {
            throw new IOException("S3 returned a list that is not valid XML.", error);
        }
        next = token;
    }

    boolean isEmpty() {
        return entries.isEmpty() && prefixes.isEmpty();
    }
}
