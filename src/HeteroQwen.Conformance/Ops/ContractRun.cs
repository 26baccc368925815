using System.Collections.Immutable;
using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.Conformance.Ops;

/// <summary>
/// One op through the contract alone: prepared once and launched several times. Guards stand around every tensor and the workspace;
/// results, workspace, row padding and tails hold garbage before a launch, states never.
/// </summary>
internal sealed class ContractRun : IDisposable
{
    private static long s_number;

    private readonly IDevice _device;
    private readonly OpDefinition _op;
    private readonly OpDescriptor _descriptor;
    private readonly IReadOnlyList<OpTensor> _operands;
    private readonly Bindings _bindings;
    private readonly Stack<IDisposable> _owned = new();
    private readonly HostConstant?[] _constants;
    private readonly IKernel _kernel;
    private readonly IStream _stream;

    /// <summary>Prepares the op.</summary>
    /// <exception cref="RefusedException">It is refused.</exception>
    public ContractRun(IDevice device, OpDefinition op, OpDescriptor descriptor, IReadOnlyList<OpTensor> operands, Bindings bindings)
    {
        (_device, _op, _descriptor, _operands, _bindings) = (device, op, descriptor, operands, bindings);
        try
        {
            _constants = [.. operands.Select(o => o.Role == TensorRole.Constant && o.Source is null ? Own(new HostConstant(Identity(), o)) : null)];
            RefusedException.Check("prepare", device.Prepare(descriptor, [.. _constants.Select((c, i) => c?.Data ?? operands[i].Source)], out IKernel? kernel));
            _kernel = Own(kernel ?? throw new RefusedException("prepare answers ok and gives no kernel"));
            RefusedException.Check("create stream", device.CreateStream(out IStream? stream));
            _stream = Own(stream ?? throw new RefusedException("create stream answers ok and gives no stream"));
            if (!_kernel.Info.KeepsHostConstants)
            {
                Array.ForEach(_constants, c => c?.Overwrite());
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Whether the kernel declares results that may lie in an operand's memory.</summary>
    public bool CanRunInPlace => _kernel.Info.InPlace.Any(p => IsFree(p.Operand));

    public static OpDescriptor Describe(
        OpDefinition op, IReadOnlyList<OpTensor> operands, Attributes attributes, Bindings maxima, Precision precision)
    {
        ImmutableArray<TensorType> results = op.Infer([.. operands.Select(o => o.Type)], attributes);
        HashSet<int> states = [.. op.StateUpdates.Select(u => u.Result)];
        return new OpDescriptor(
            op.Name, attributes,
            [.. operands.Select(o => new TensorDescriptor(o.Type.Element, o.Type.Shape.Dims, o.Role, o.Strides is not null))],
            [.. results.Select((r, i) => new TensorDescriptor(
                r.Element, r.Shape.Dims, states.Contains(i) ? TensorRole.State : TensorRole.Result, false))],
            maxima, precision);
    }

    /// <summary>Launches once and returns the bytes of the results, dense.</summary>
    /// <exception cref="RefusedException">A call was refused, an operand changed, or something was written outside the results.</exception>
    public byte[][] Launch(byte garbage, bool inPlace)
    {
        int owned = _owned.Count;
        try
        {
            return LaunchOnce(garbage, inPlace);
        }
        finally
        {
            while (_owned.Count > owned)
            {
                _owned.Pop().Dispose();
            }
        }
    }

    public void Dispose()
    {
        while (_owned.TryPop(out IDisposable? owned))
        {
            owned.Dispose();
        }
    }

    /// <summary>Equal identities are equal bytes, so that no two constants of a process may share one.</summary>
    private static string Identity() => $"conform.{Interlocked.Increment(ref s_number)}";

    private byte[][] LaunchOnce(byte garbage, bool inPlace)
    {
        TensorImage?[] inputs = new TensorImage?[_operands.Count];
        for (int i = 0; i < inputs.Length; i++)
        {
            inputs[i] = _operands[i].SameAs >= 0 ? inputs[_operands[i].SameAs] : Place(i, garbage);
        }

        TensorImage[] outputs = [.. _descriptor.Results.Select((_, i) => ResultPlace(inputs, i, garbage, inPlace))];
        TensorImage? workspace = Workspace(garbage);
        TensorImage[] all = [.. inputs.OfType<TensorImage>().Concat(outputs).Concat(workspace is null ? [] : [workspace]).Distinct()];
        Array.ForEach(all, p => p.Upload(_stream));
        Argument[] arguments =
        [
            .. inputs.Select((p, i) => p is not null && Reads(i) ? p.Argument((_kernel.Info.HostOperands >> i & 1) != 0) : Absent(p, i)),
            .. outputs.Select(p => p.Argument(false)),
        ];
        RefusedException.Check("launch", _stream.Launch(_kernel, _bindings, arguments, workspace?.Buffer, workspace?.Start ?? 0));
        RefusedException.Check("synchronize", _stream.Synchronize());
        Array.ForEach(all, p => p.Download(_stream));
        for (int i = 0; i < inputs.Length; i++)
        {
            bool written = inputs[i] is null || outputs.Contains(inputs[i]);
            RefusedException.Require(written || inputs[i]!.IsUnchanged, $"operand {i} was changed");
        }

        RefusedException.Require(all.All(p => p.GuardsStand), "something was written outside a tensor");
        RefusedException.Require(
            !_kernel.Info.KeepsHostConstants || _constants.All(c => c?.IsUnchanged ?? true), "the host's memory of a constant was changed");
        return [.. outputs.Select(p => p.Dense())];
    }

    /// <summary>The argument of an operand that the kernel does not read; a state to update is there all the same.</summary>
    private Argument Absent(TensorImage? image, int operand) =>
        image?.Argument(false) ?? new() { Strides = new long[_operands[operand].Type.Rank] };

    private bool Reads(int operand) => (_kernel.Info.ReadsOperands >> operand & 1) != 0;

    private TensorImage? Place(int index, byte garbage)
    {
        OpTensor operand = _operands[index];
        if (operand.Role == TensorRole.Constant || (!Reads(index) && !_op.StateUpdates.Any(u => u.Operand == index)))
        {
            return null;
        }

        // Unwritten memory of a state is finite, never NaN: its row padding holds 0.
        TensorImage image = Make(operand.Type, operand.Strides, operand.Skip, operand.Role == TensorRole.State ? (byte)0 : garbage);
        image.Fill(operand.Data);
        return image;
    }

    private TensorImage ResultPlace(TensorImage?[] inputs, int result, byte garbage, bool inPlace)
    {
        (int Operand, int Result)[] shared =
        [
            .. _op.StateUpdates.Where(u => u.Result == result),
            .. _kernel.Info.InPlace.Where(p => inPlace && p.Result == result && IsFree(p.Operand)),
        ];
        TensorDescriptor type = _descriptor.Results[result];
        return shared.Length > 0 ? inputs[shared[0].Operand]! : Make(new(type.Element, type.Dims.AsSpan()), null, 0, garbage);
    }

    /// <summary>Whether a result may lie in an operand's memory: dense, and no other operand's.</summary>
    private bool IsFree(int operand) => operand < _operands.Count && _operands[operand] is { Strides: null, SameAs: < 0, Role: not TensorRole.Constant }
        && Reads(operand) && _operands.All(o => o.SameAs != operand);

    private TensorImage? Workspace(byte garbage)
    {
        RefusedException.Check("workspace", _kernel.Workspace(_bindings, out long bytes));
        RefusedException.Check("workspace", _kernel.Workspace(_descriptor.Maxima, out long most));
        RefusedException.Require(bytes >= 0 && most >= bytes, $"the workspace is {bytes} bytes for {_bindings} and {most} for the maxima");
        return bytes == 0 ? null : Own(new TensorImage(_device, ElementType.I8, [bytes], [1], 0, garbage));
    }

    private TensorImage Make(TensorType type, ImmutableArray<long>? strides, int skip, byte filler)
    {
        long[] dims = [.. type.Shape.Dims.Select(d => d.Resolve(_bindings))];
        long[] steps = strides is { } given
            ? [.. given] : TensorImage.RowMajor(_device.Capabilities.RowMultiple, type.Element, type.Shape.Dims, dims);
        return Own(new TensorImage(_device, type.Element, dims, steps, skip, filler));
    }

    private T Own<T>(T owned)
        where T : IDisposable
    {
        _owned.Push(owned);
        return owned;
    }
}
