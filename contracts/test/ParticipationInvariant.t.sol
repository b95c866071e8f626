// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IIdentity} from "../src/IIdentity.sol";
import {IParticipation} from "../src/IParticipation.sol";
import {RoundTree} from "./RoundTree.sol";
import {Signing} from "./Signing.sol";

/// @notice Eight devices and three owners act in random order, in two swarms. A simple model in storage says
/// what should have counted.
contract ParticipationHandler is Signing, RoundTree {
    uint256 public constant DEVICES = 8;
    uint256 public constant OWNERS = 3;

    IIdentity public immutable identity;
    IParticipation public immutable participation;

    /// @dev The swarm in which the devices act now.
    uint64 public swarm;

    mapping(uint64 => mapping(address => uint256)) public attestations;
    mapping(uint64 => mapping(address => uint256)) public votesCast;
    mapping(uint64 => mapping(address => uint256)) public votesReceived;
    mapping(uint64 => mapping(address => uint256)) public lastRoundPlusOne;
    mapping(uint64 => mapping(address => uint256)) public lastVotePlusOne;
    mapping(address => address) public boundOwner;
    mapping(address => bool) public ended;
    mapping(uint64 => mapping(address => mapping(uint64 => bool))) public hasAttested;
    mapping(uint64 => mapping(address => mapping(uint64 => bool))) public hasVoted;
    mapping(uint64 => mapping(address => mapping(uint64 => bool))) public hasContradicted;

    struct Root {
        uint64 swarm;
        uint64 round;
        uint256 seed;
    }

    Root[] private _roots;

    address[DEVICES] private _addresses;
    address[OWNERS] private _owners;

    constructor() {
        for (uint256 i; i < DEVICES; ++i) {
            _addresses[i] = vm.addr(deviceKey(i));
        }
        for (uint256 i; i < OWNERS; ++i) {
            _owners[i] = vm.addr(0xA000 + i);
        }
        identity = deployIdentity();
        participation = deployParticipation(identity);
        openSwarm(participation);
    }

    function device(uint256 i) public view returns (address) {
        return _addresses[i % DEVICES];
    }

    function owner(uint256 i) public view returns (address) {
        return _owners[i];
    }

    function switchSwarm() external {
        swarm = 1 - swarm;
    }

    function wait(uint256 time) external {
        vm.warp(block.timestamp + bound(time, 1, 30));
    }

    function waitLong(uint256 time) external {
        vm.warp(block.timestamp + bound(time, 1, 40 days));
    }

    /// @dev To another of the pages of 64 rounds and words of 256 in which the contract keeps rounds.
    function waitRounds(uint256 rounds) external {
        vm.warp(block.timestamp + 20 * bound(rounds, 1, 300));
    }

    /// @dev Posts four entries. A device may have attested already, may lack authority, or may not have
    /// signed its entry.
    function attestBatch(uint256 seed, uint8 back) external {
        uint64 current = participation.swarms().currentRound(swarm);
        uint64 round = current < back % 3 ? current : current - back % 3;
        IParticipation.SignedAttestation[] memory batch = new IParticipation.SignedAttestation[](4);
        uint256 expected;
        for (uint256 i; i < 4; ++i) {
            uint256 draw = uint256(keccak256(abi.encode(seed, i)));
            address who = device(draw);
            uint64 signedFor = (draw >> 128) % 5 == 1 ? 1 - swarm : swarm;
            batch[i] = signedAttestation(
                address(participation),
                deviceKey(draw),
                signedFor,
                round,
                bytes32(draw),
                keccak256(abi.encode(draw))
            );
            if (signedFor != swarm) continue;
            if ((draw >> 128) % 5 == 0) {
                batch[i].rolloutDigest ^= bytes32(uint256(1));
            } else if (counts(who, round)) {
                ++expected;
            }
        }
        assertEq(participation.attestBatch(swarm, round, batch), expected, "accepted");
    }

    /// @dev Puts attestations of all devices under one root. Devices may have several for a round, which
    /// contradict each other.
    function postRoot(uint256 seed, uint8 back) external {
        uint64 current = participation.swarms().currentRound(swarm);
        uint64 round = current < back % 3 ? current : current - back % 3;
        participation.postRoot(swarm, round, rootOf(entriesOf(round, seed)), DEVICES);
        _roots.push(Root(swarm, round, seed));
    }

    /// @dev Counts an entry of any root that was ever posted.
    function attestFromRoot(uint256 which, uint256 place) external {
        if (_roots.length == 0) return;
        Root memory root = _roots[which % _roots.length];
        swarm = root.swarm;
        IParticipation.SignedAttestation[] memory entries = entriesOf(root.round, root.seed);
        IParticipation.SignedAttestation[] memory one = new IParticipation.SignedAttestation[](1);
        bytes32[][] memory proofs = new bytes32[][](1);
        place %= DEVICES;
        (one[0], proofs[0]) = (entries[place], proofOf(entries, place));
        uint256 expected = counts(device(place), root.round) ? 1 : 0;
        assertEq(
            participation.attestFromRoot(root.swarm, root.round, rootOf(entries), one, proofs),
            expected,
            "accepted"
        );
    }

    /// @dev A device signs something else for a round of which it has an attestation under a root.
    function contradict(uint256 which, uint256 place) external {
        if (_roots.length == 0) return;
        Root memory root = _roots[which % _roots.length];
        swarm = root.swarm;
        place %= DEVICES;
        address who = device(place);
        if (hasContradicted[swarm][who][root.round]) return;
        IParticipation.SignedAttestation memory other =
            signedAttestation(address(participation), deviceKey(place), swarm, root.round, "other", "other");
        participation.contradict(root.swarm, root.round, entriesOf(root.round, root.seed)[place], other);
        hasContradicted[swarm][who][root.round] = true;
        if (hasAttested[swarm][who][root.round]) --attestations[swarm][who];
        hasAttested[swarm][who][root.round] = true;
        if (root.round >= lastRoundPlusOne[swarm][who]) lastRoundPlusOne[swarm][who] = root.round + 1;
    }

    /// @dev Whether an attestation should count; the model counts it then.
    function counts(address who, uint64 round) private returns (bool) {
        if (!allowed(who) || hasAttested[swarm][who][round]) return false;
        hasAttested[swarm][who][round] = true;
        ++attestations[swarm][who];
        if (round >= lastRoundPlusOne[swarm][who]) lastRoundPlusOne[swarm][who] = round + 1;
        return true;
    }

    function entriesOf(uint64 round, uint256 seed)
        private
        view
        returns (IParticipation.SignedAttestation[] memory entries)
    {
        entries = new IParticipation.SignedAttestation[](DEVICES);
        for (uint256 i; i < DEVICES; ++i) {
            entries[i] = signedAttestation(
                address(participation), deviceKey(i), swarm, round, bytes32(seed), bytes32(i)
            );
        }
    }

    function vote(uint256 seed, uint8 back, bool spoil) external {
        uint64 current = participation.swarms().currentRound(swarm);
        uint64 round = current < back % 3 ? current : current - back % 3;
        address who = device(seed);
        address[] memory winners = someDevices(seed >> 16);
        bool good = allowed(who) && !hasVoted[swarm][who][round] && attestations[swarm][who] != 0
            && winners.length != 0;
        for (uint256 i; i < winners.length; ++i) {
            good = good && attestations[swarm][winners[i]] != 0;
        }
        IParticipation.SignedVote[] memory batch = new IParticipation.SignedVote[](1);
        batch[0] = signedVote(address(participation), deviceKey(seed), swarm, round, winners);
        if (spoil) {
            batch[0].r ^= bytes32(uint256(1));
            good = false;
        }
        assertEq(participation.voteBatch(swarm, batch), good ? 1 : 0, "vote accepted");
        if (!good) return;
        ++votesCast[swarm][who];
        hasVoted[swarm][who][round] = true;
        if (round >= lastVotePlusOne[swarm][who]) lastVotePlusOne[swarm][who] = round + 1;
        for (uint256 i; i < winners.length; ++i) {
            if (winners[i] != who) ++votesReceived[swarm][winners[i]];
        }
    }

    /// @dev `old` binds with a nonce that is not higher than the device's.
    function bind(uint256 whose, uint256 which, uint256 replaced, bool old) external {
        address who = device(which);
        address to = owner(whose % OWNERS);
        IIdentity.Binding memory held = identity.bindingOf(who);
        (IIdentity.Delegation memory d, bytes32 x, bytes32 y) = delegation(identity, to, deviceKey(which));
        if (old) d.nonce = held.nonce;
        if (replaced % 3 == 0) d.replaces = device(replaced / 3);
        bool works = held.owner == address(0)
            || (held.owner == to && (held.epoch != d.epoch || (!held.revoked && !old)));
        works = works && (replaced % 3 != 0 || (d.replaces != who && boundOwner[d.replaces] == to));
        bytes memory o = sign65(0xA000 + (whose % OWNERS), delegationDigest(address(identity), d));
        bytes memory c = sign65(deviceKey(which), consentDigest(address(identity), d));
        try identity.bind(x, y, d, o, c) {
            assertTrue(works, "bind should revert");
            boundOwner[who] = to;
            ended[who] = false;
            ended[d.replaces] = true;
        } catch {
            assertFalse(works, "bind should succeed");
        }
    }

    function endSession(uint256 which) external {
        address who = device(which);
        if (boundOwner[who] == address(0) || identity.bindingOf(who).revoked) return;
        vm.prank(who);
        identity.endSession();
        ended[who] = true;
    }

    function revoke(uint256 which) external {
        address who = device(which);
        if (boundOwner[who] == address(0) || identity.bindingOf(who).revoked) return;
        vm.prank(boundOwner[who]);
        identity.revoke(who);
        ended[who] = true;
    }

    function revokeAll(uint256 whose) external {
        address from = owner(whose % OWNERS);
        vm.prank(from);
        identity.revokeAll();
        for (uint256 i; i < DEVICES; ++i) {
            if (boundOwner[device(i)] == from) ended[device(i)] = true;
        }
    }

    function deviceKey(uint256 i) private pure returns (uint256) {
        return 0xD000 + (i % DEVICES);
    }

    function allowed(address who) private view returns (bool) {
        if (boundOwner[who] == address(0)) return true;
        return !ended[who] && identity.bindingOf(who).validUntil >= block.timestamp;
    }

    /// @dev A subset of the devices, ascending by address.
    function someDevices(uint256 bits) private view returns (address[] memory chosen) {
        uint256 count;
        for (uint256 i; i < DEVICES; ++i) {
            if (bits >> i & 1 == 1) ++count;
        }
        chosen = new address[](count);
        uint256 filled;
        for (uint256 i; i < DEVICES; ++i) {
            if (bits >> i & 1 == 1) {
                address next = device(i);
                uint256 j = filled++;
                for (; j > 0 && chosen[j - 1] > next; --j) {
                    chosen[j] = chosen[j - 1];
                }
                chosen[j] = next;
            }
        }
    }
}

contract ParticipationInvariantTest is Signing {
    ParticipationHandler private handler;

    function setUp() public {
        vm.warp(1_800_000_000);
        handler = new ParticipationHandler();
        targetContract(address(handler));
    }

    /// @dev One function for all invariants, because forge runs a campaign of its own for each invariant
    /// function.
    function invariant_recordsMatchModel() public view {
        for (uint64 swarm; swarm < 2; ++swarm) {
            recordsEqualModel(swarm);
            recentRoundsEqualModel(swarm);
            countsAreAtMostRounds(swarm);
            ownerRecordsSumDeviceRecords(swarm);
        }
    }

    /// @dev Every round near the present, as the contract and the model know it.
    function recentRoundsEqualModel(uint64 swarm) private view {
        address[] memory devices = new address[](handler.DEVICES());
        for (uint256 i; i < devices.length; ++i) {
            devices[i] = handler.device(i);
        }
        uint64 current = handler.participation().swarms().currentRound(swarm);
        for (uint64 back; back < 3 && back <= current; ++back) {
            uint256 bits = handler.participation().attestedEach(swarm, devices, current - back);
            for (uint256 i; i < devices.length; ++i) {
                assertEq(
                    bits >> i & 1 == 1,
                    handler.hasAttested(swarm, devices[i], current - back),
                    "round attested"
                );
            }
        }
    }

    function recordsEqualModel(uint64 swarm) private view {
        for (uint256 i; i < handler.DEVICES(); ++i) {
            address who = handler.device(i);
            IParticipation.Record memory r = handler.participation().recordOf(swarm, who);
            assertEq(r.attestations, handler.attestations(swarm, who), "attestations");
            assertEq(r.votesCast, handler.votesCast(swarm, who), "votes cast");
            assertEq(r.votesReceived, handler.votesReceived(swarm, who), "votes received");
            assertEq(r.nextRound, handler.lastRoundPlusOne(swarm, who), "next round");
            assertEq(r.nextVote, handler.lastVotePlusOne(swarm, who), "next vote");
        }
    }

    function countsAreAtMostRounds(uint64 swarm) private view {
        for (uint256 i; i < handler.DEVICES(); ++i) {
            IParticipation.Record memory r = handler.participation().recordOf(swarm, handler.device(i));
            assertLe(r.attestations, r.nextRound, "attestations");
            assertLe(r.votesCast, r.nextVote, "votes");
            assertLe(
                r.nextRound,
                handler.participation().swarms().currentRound(swarm) + 1,
                "no record of a future round"
            );
        }
    }

    function ownerRecordsSumDeviceRecords(uint64 swarm) private view {
        uint256 listed;
        uint256 bound;
        for (uint256 i; i < handler.OWNERS(); ++i) {
            address owner = handler.owner(i);
            address[] memory devices = handler.identity().devicesOf(owner);
            IParticipation.Record memory r = handler.participation().recordOfOwner(swarm, owner);
            uint256 attestations;
            uint256 received;
            for (uint256 j; j < devices.length; ++j) {
                assertEq(handler.boundOwner(devices[j]), owner, "listed under its only owner");
                attestations += handler.attestations(swarm, devices[j]);
                received += handler.votesReceived(swarm, devices[j]);
            }
            assertEq(r.attestations, attestations, "attestations");
            assertEq(r.votesReceived, received, "votes received");
            listed += devices.length;
        }
        for (uint256 i; i < handler.DEVICES(); ++i) {
            if (handler.boundOwner(handler.device(i)) != address(0)) ++bound;
        }
        assertEq(listed, bound, "each bound device is listed once");
    }
}
