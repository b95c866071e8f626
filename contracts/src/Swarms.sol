// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {ISwarms} from "./ISwarms.sol";

/// @title Swarms
/// @notice Implements ISwarms, which documents every function.
contract Swarms is ISwarms {
    /// @inheritdoc ISwarms
    uint256 public constant MAX_BYTES = 16_384;

    /// @inheritdoc ISwarms
    uint64 public count;

    /// @dev Genesis, block and stages share the first word, which is all that a batch of attestations reads.
    /// An opened swarm has stages, so that an unknown one is told by their being zero.
    mapping(uint64 swarm => Swarm) private _swarms;

    /// @inheritdoc ISwarms
    function open(bytes calldata spec, uint32 answerSeconds, uint32 critiqueSeconds, uint32 voteSeconds)
        external
        returns (uint64 swarm)
    {
        require(spec.length != 0 && spec.length <= MAX_BYTES, BadLength(spec.length));
        require(_isStage(answerSeconds) && _isStage(critiqueSeconds) && _isStage(voteSeconds), BadStages());
        swarm = count++;
        bytes32 digest = sha256(spec);
        _swarms[swarm] = Swarm({
            genesis: uint64(block.timestamp),
            openedIn: uint64(block.number),
            answerSeconds: answerSeconds,
            critiqueSeconds: critiqueSeconds,
            voteSeconds: voteSeconds,
            genesisSeed: keccak256(
                abi.encode(
                    "starling genesis", block.chainid, address(this), swarm, blockhash(block.number - 1)
                )
            ),
            digest: digest,
            starter: msg.sender
        });
        emit Opened(swarm, digest, msg.sender);
        emit Specified(swarm, spec);
    }

    /// @inheritdoc ISwarms
    function swarmOf(uint64 swarm) external view returns (Swarm memory) {
        return _known(swarm);
    }

    /// @inheritdoc ISwarms
    function swarmsFrom(uint64 from, uint64 most) external view returns (Swarm[] memory swarms) {
        uint64 end = count;
        uint256 size = from >= end ? 0 : end - from < most ? end - from : most;
        swarms = new Swarm[](size);
        for (uint256 i; i < size; ++i) {
            // Below `count`, which has 64 bits.
            // forge-lint: disable-next-line(unsafe-typecast)
            swarms[i] = _swarms[uint64(from + i)];
        }
    }

    /// @inheritdoc ISwarms
    function roundAt(uint64 swarm, uint256 timestamp) public view returns (uint64) {
        Swarm storage known = _known(swarm);
        // The quotient of seconds since genesis fits 64 bits.
        // forge-lint: disable-next-line(unsafe-typecast)
        return uint64(_elapsed(known, timestamp) / _roundSeconds(known));
    }

    /// @inheritdoc ISwarms
    function stageAt(uint64 swarm, uint256 timestamp) public view returns (Stage) {
        Swarm storage known = _known(swarm);
        uint256 into = _elapsed(known, timestamp) % _roundSeconds(known);
        if (into < known.answerSeconds) return Stage.Answer;
        return into < uint256(known.answerSeconds) + known.critiqueSeconds ? Stage.Critique : Stage.Vote;
    }

    /// @inheritdoc ISwarms
    function currentRound(uint64 swarm) external view returns (uint64) {
        return roundAt(swarm, block.timestamp);
    }

    /// @inheritdoc ISwarms
    function currentStage(uint64 swarm) external view returns (Stage) {
        return stageAt(swarm, block.timestamp);
    }

    /// @inheritdoc ISwarms
    function seedOf(uint64 swarm, uint64 round) external view returns (bytes32) {
        return keccak256(abi.encode(_known(swarm).genesisSeed, round));
    }

    function _known(uint64 swarm) private view returns (Swarm storage known) {
        known = _swarms[swarm];
        require(known.answerSeconds != 0, NoSwarm(swarm));
    }

    function _isStage(uint32 duration) private pure returns (bool) {
        return duration != 0 && duration <= 1 days;
    }

    function _roundSeconds(Swarm storage known) private view returns (uint256) {
        return uint256(known.answerSeconds) + known.critiqueSeconds + known.voteSeconds;
    }

    function _elapsed(Swarm storage known, uint256 timestamp) private view returns (uint256) {
        uint256 genesis = known.genesis;
        require(timestamp >= genesis, BeforeGenesis(timestamp, genesis));
        return timestamp - genesis;
    }
}
