using System.Text.Encodings.Web;
using System.Text.Json;
using HeteroQwen.Backends;
using HeteroQwen.Conformance.Ops;
using HeteroQwen.Conformance.Verdicts;
using HeteroQwen.Ir;

namespace HeteroQwen.Conformance.Bisect;

/// <summary>
/// An op with its operands and what float64 makes of them, as JSON: the op as a graph in the text form of the IR with operands x0, x1,
/// ..., the bindings, and each operand's bytes in base64, dense and row-major; strides say how a
/// device is to see them.
/// </summary>
internal static class CaseFile
{
    public const string Format = "heteroqwen.case";
    public const int Version = 1;

    /// <summary>Files are read whole; no op that is worth looking at by eye is larger.</summary>
    public const long MostBytes = 1L << 30;

    /// <param name="path">The file; one that exists is replaced.</param>
    /// <param name="op">The op.</param>
    /// <param name="found">Where it was found, for who reads the file.</param>
    /// <param name="fault">What was wrong with it.</param>
    /// <param name="capabilities">Those of the device that failed.</param>
    public static void Write(string path, SingleOp op, IEnumerable<(string Name, string Value)> found, OpFault? fault, Capabilities capabilities)
    {
        using FileStream stream = File.Create(path);
        using Utf8JsonWriter json = new(
            stream, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, Indented = true, NewLine = "\n" });
        json.WriteStartObject();
        json.WriteString("format", Format);
        json.WriteNumber("version", Version);
        json.WriteStartObject("found");
        foreach ((string name, string value) in found)
        {
            json.WriteString(name, value);
        }

        json.WriteEndObject();
        json.WriteString("precision", op.Precision.ToString().ToLowerInvariant());
        json.WriteString("ir", GraphPrinter.Print(op.Graph()));
        WriteBindings(json, "bindings", op.Bindings);
        WriteBindings(json, "maxima", op.Maxima);
        json.WriteStartArray("operands");
        for (int i = 0; i < op.Operands.Length; i++)
        {
            WriteOperand(json, SingleOp.NameOf(i), op.Operands[i]);
        }

        json.WriteEndArray();
        WriteExpected(json, op, fault, capabilities);
        json.WriteEndObject();
    }

    private static void WriteBindings(Utf8JsonWriter json, string name, Bindings bindings)
    {
        json.WriteStartObject(name);
        json.WriteNumber("T", bindings.T);
        json.WriteNumber("N", bindings.N);
        json.WriteNumber("B", bindings.B);
        json.WriteNumber("R", bindings.R);
        json.WriteEndObject();
    }

    private static void WriteOperand(Utf8JsonWriter json, string name, OpTensor operand)
    {
        json.WriteStartObject();
        json.WriteString("name", name);
        json.WriteString("role", operand.Role.ToString().ToLowerInvariant());
        if (operand.Strides is { } strides)
        {
            json.WriteStartArray("strides");
            strides.ToList().ForEach(json.WriteNumberValue);
            json.WriteEndArray();
        }

        json.WriteBase64String("bytes", operand.Bytes());
        json.WriteEndObject();
    }

    /// <summary>For who looks at the file with other tools: a reader computes the expectation anew.</summary>
    private static void WriteExpected(Utf8JsonWriter json, SingleOp op, OpFault? fault, Capabilities capabilities)
    {
        json.WriteStartArray("expected_f64");
        foreach (Plain result in op.Expected(capabilities))
        {
            json.WriteBase64StringValue(System.Runtime.InteropServices.MemoryMarshal.AsBytes(result.Values.AsSpan()));
        }

        json.WriteEndArray();
        if (fault is null)
        {
            return;
        }

        json.WriteStartObject("worst");
        json.WriteNumber("result", fault.Result);
        json.WriteStartArray("index");
        fault.Index.ToList().ForEach(json.WriteNumberValue);
        json.WriteEndArray();
        json.WriteString("got", FormattableString.Invariant($"{fault.Got:R}"));
        json.WriteString("expected", FormattableString.Invariant($"{fault.Expected:R}"));
        json.WriteString("bound", fault.Verdict.Metrics.Bound);
        json.WriteEndObject();
    }
}
