package terraglue.hive;

import java.io.Serializable;
import java.util.List;

import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.unsafe.types.UTF8String;
import scala.collection.AbstractIterator;
import scala.collection.Iterator;
import scala.Function1;
import scala.runtime.AbstractFunction1;

/** Reads a file with Spark's CSV reader, and replaces the nulls in its text columns. */
public class HiveTexts extends AbstractFunction1 implements Serializable {
    final Function1 read;
    final int[] columns;
    final String nullText;

    HiveTexts(Function1 read, List columns, String nullText) {
        this.read = read;
        this.columns = new int[columns.size()];
        for (int i = 0; i < this.columns.length; i++) {
            this.columns[i] = ((Integer) columns.get(i)).intValue();
        }
        this.nullText = nullText;
    }

    public Object apply(Object file) {
        return new Rows((Iterator) read.apply(file), columns, nullText);
    }

    static class Rows extends AbstractIterator {
        private final Iterator rows;
        private final int[] columns;
        private final UTF8String nullText;

        Rows(Iterator rows, int[] columns, String nullText) {
            this.rows = rows;
            this.columns = columns;
            this.nullText = nullText == null ? null : UTF8String.fromString(nullText);
        }

        public boolean hasNext() {
            return rows.hasNext();
        }

        public Object next() {
            InternalRow row = (InternalRow) rows.next();
            for (int i = 0; i < columns.length; i++) {
                int column = columns[i];
                if (row.isNullAt(column)) {
                    row.update(column, UTF8String.EMPTY_UTF8);
                } else if (row.getUTF8String(column).equals(nullText)) {
                    row.setNullAt(column);
                }
            }
            return row;
        }
    }
}
