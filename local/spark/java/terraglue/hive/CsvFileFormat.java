package terraglue.hive;

import java.util.ArrayList;
import java.util.List;

import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.execution.datasources.csv.CSVFileFormat;
import org.apache.spark.sql.types.StringType;
import org.apache.spark.sql.types.StructType;
import scala.Function1;
import scala.Option;
import scala.collection.Seq;
import scala.collection.immutable.Map;

/**
 * Spark's CSV source, with the empty strings of Hive's SerDes.
 *
 * <p>Spark reads an empty field as null; OpenCSVSerde and LazySimpleSerDe read it as an empty string. The option
 * `hiveNull` is the text that LazySimpleSerDe reads as null.
 */
public class CsvFileFormat extends CSVFileFormat {
    public Function1 buildReader(
            SparkSession session,
            StructType dataSchema,
            StructType partitionSchema,
            StructType requiredSchema,
            Seq filters,
            Map options,
            Configuration conf) {
        List texts = new ArrayList();
        for (int i = 0; i < requiredSchema.length(); i++) {
            if (requiredSchema.fields()[i].dataType() instanceof StringType) {
                texts.add(Integer.valueOf(i));
            }
        }
        // The filters apply to the values as Hive has them, so Spark must evaluate them afterwards.
        Seq none = scala.collection.immutable.Nil$.MODULE$;
        Function1 read =
                super.buildReader(session, dataSchema, partitionSchema, requiredSchema, none, options, conf);
        Option hiveNull = options.get("hiveNull");
        return new HiveTexts(read, texts, hiveNull.isEmpty() ? null : (String) hiveNull.get());
    }
}
