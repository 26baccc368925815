using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using HeteroQwen.Backends;
using HeteroQwen.Backends.Cpu;
using HeteroQwen.Conformance.Bisect;
using HeteroQwen.Conformance.Ops;
using HeteroQwen.Ir;
using HeteroQwen.TestSupport;

namespace HeteroQwen.Conformance.Tests;

/// <summary>What a case file can have wrong is one sentence and reaches no device.</summary>
public sealed class CaseFileTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void File_that_was_written_reads_back_as_the_same_op()
    {
        SingleOp read = new CaseFileReader(Write(Gather(2, 0))).Read();
        SingleOp op = Gather(2, 0);
        Assert.Equal((op.Line, op.Bindings, op.Maxima, op.Precision), (read.Line, read.Bindings, read.Maxima, read.Precision));
        Assert.Equal(op.Operands.Select(o => o.Data), read.Operands.Select(o => o.Data));
    }

    [Fact]
    public void Load_refuses_indices_that_lead_out_of_a_table()
    {
        string path = Write(Gather(2, 0));
        JsonNode json = JsonNode.Parse(File.ReadAllText(path))!;
        json["operands"]![1]!["bytes"] = Convert.ToBase64String(MemoryMarshal.AsBytes<int>([2, 3]));
        File.WriteAllText(path, json.ToJsonString());
        MustRefuse(path, "index of x1", "0 to 2");
    }

    [Theory]
    [InlineData("format", "\"x\"")]
    [InlineData("version", "2")]
    [InlineData("ir", "\"heteroqwen.ir 1\\ngraph \\\"case\\\" {\\n}\\n\"")]
    [InlineData("ir", "7")]
    [InlineData("operands", "[]")]
    [InlineData("operands", "3")]
    [InlineData("bindings", """{"T":3,"N":1,"B":1,"R":1}""")]
    [InlineData("bindings", """{"T":-1,"N":1,"B":1,"R":1}""")]
    [InlineData("maxima", "null")]
    public void Load_refuses_a_file_that_is_spoilt(string field, string value)
    {
        string path = Write(Gather(2, 0));
        JsonNode json = JsonNode.Parse(File.ReadAllText(path))!;
        json[field] = JsonNode.Parse(value);
        File.WriteAllText(path, json.ToJsonString());
        MustRefuse(path);
    }

    [Fact]
    public void Load_refuses_what_is_no_case_at_all()
    {
        MustRefuse(_folder.File("none.json"), "cannot be read");
        MustRefuse(_folder.Write("text.json", "not json"), "malformed");
        MustRefuse(_folder.Write("list.json", "[1, 2]"), "malformed");
    }

    [Fact]
    public void Case_with_a_strided_operand_reaches_the_device_strided()
    {
        OpTensor x = OpTensor.Of(ElementType.F32, [1, 2, 3, 4, 5, 6], 2, 3).With(1, 2);
        SingleOp op = new(
            Copy.Instance, new(("to", "f32")), [x], new Bindings(1, 1, 1, 1), new Bindings(1, 1, 1, 1), Precision.Exact);
        FileCase saved = FileCase.Load(Write(op));
        List<bool> strided = [];
        using Bench bench = new(new WrongBackend(launch =>
        {
            strided.Add(launch.Op.Operands[0].Strided);
            launch.Run();
        }));
        Assert.Equal(CaseStatus.Pass, saved.Run(bench.Context).Status);
        Assert.Equal([true], strided);
    }

    [Fact]
    public void Case_that_a_device_does_not_run_is_unsupported_with_its_reason()
    {
        FileCase saved = FileCase.Load(Write(Gather(2, 0)));
        using Bench bench = new(new ScriptedBackend(new CpuBackend()) { Refuse = _ => "not yet" });
        CaseResult result = saved.Run(bench.Context);
        Assert.Equal((CaseStatus.Unsupported, "not yet"), (result.Status, result.Reason));
    }

    private static SingleOp Gather(params int[] index)
    {
        OpTensor table = OpTensor.Of(ElementType.F32, [1, 2, 3, 4, 5, 6], 3, 2).As(TensorRole.Constant);
        OpTensor indices = new(new(ElementType.I32, Dim.T), TensorRole.Input, MemoryMarshal.AsBytes(index.AsSpan()).ToArray());
        return new(
            GatherRows.Instance, Attributes.Empty, [table, indices], new Bindings(index.Length, 1, 1, 1), new Bindings(2, 1, 1, 1), Precision.Exact);
    }

    private string Write(SingleOp op)
    {
        using Bench bench = new(new CpuBackend());
        string path = _folder.File("a.case.json");
        CaseFile.Write(path, op, [("device", "test")], null, bench.Context.Device.Capabilities);
        return path;
    }

    private static void MustRefuse(string path, params string[] parts)
    {
        UserErrorException e = Assert.Throws<UserErrorException>(() => FileCase.Load(path));
        Assert.StartsWith(path, e.Message, StringComparison.Ordinal);
        Assert.All(parts, p => Assert.Contains(p, e.Message, StringComparison.Ordinal));
    }
}
