using HeteroQwen.Ir;

namespace HeteroQwen.Models;

/// <summary>Of a chunk's weights, the sum of squares, and that of how much they changed; both 0 where it was copied.</summary>
internal readonly record struct ChunkError(double Squares, double Differences);

/// <summary>One thread's memory for a chunk of weights on its way from one type to another.</summary>
internal sealed class ChunkWork(string model, int chunk)
{
    private readonly float[] _values = new float[chunk];
    private readonly float[] _back = new float[chunk];
    private readonly byte[] _source = new byte[ElementType.F32.Bytes(chunk)];
    private readonly byte[] _result = new byte[ElementType.F32.Bytes(chunk)];

    /// <summary>The bytes of some weights in their new type, valid until the next call.</summary>
    /// <exception cref="UserErrorException">A weight is not finite, or does not fit its new type.</exception>
    public unsafe ChunkError Convert(PlannedTensor tensor, long first, int count, out ReadOnlySpan<byte> bytes)
    {
        ElementType from = tensor.Source.Type;
        Span<byte> source = _source.AsSpan(0, (int)from.Bytes(count));
        fixed (byte* to = source)
        {
            tensor.Source.Read(from.Bytes(first), (nint)to, source.Length);
        }

        if (tensor.IsCopy)
        {
            bytes = source;
            return default;
        }

        Span<float> values = _values.AsSpan(0, count);
        ElementValues.Read(from, source, values);
        RequireFinite(values, tensor, first);
        Span<byte> result = _result.AsSpan(0, (int)tensor.Type.Bytes(count));
        ElementValues.Write(tensor.Type, values, result);
        bytes = result;
        return Compare(tensor, values, result);
    }

    private ChunkError Compare(PlannedTensor tensor, ReadOnlySpan<float> values, ReadOnlySpan<byte> result)
    {
        Span<float> back = _back.AsSpan(0, values.Length);
        ElementValues.Read(tensor.Type, result, back);
        (double squares, double differences) = (0, 0);
        for (int i = 0; i < values.Length; i++)
        {
            double difference = (double)back[i] - values[i];
            squares += (double)values[i] * values[i];
            differences += difference * difference;
        }

        return double.IsFinite(differences) ? new ChunkError(squares, differences) : throw new UserErrorException(
            $"{model}: tensor {tensor.Name} has weights that are too large for {tensor.Type.Name()}; write bf16 or f32, which hold them");
    }

    private void RequireFinite(ReadOnlySpan<float> values, PlannedTensor tensor, long first)
    {
        for (int i = 0; i < values.Length; i++)
        {
            if (!float.IsFinite(values[i]))
            {
                throw new UserErrorException(
                    $"{model}: weight {first + i} of tensor {tensor.Name} is {values[i]}, which {tensor.Type.Name()} cannot be made from; "
                    + "check the model, or download it again");
            }
        }
    }
}
