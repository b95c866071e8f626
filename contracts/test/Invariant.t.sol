// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IIdentity} from "../src/IIdentity.sol";
import {IParticipation} from "../src/IParticipation.sol";
import {Signing} from "./Signing.sol";

/// @notice Eight devices and three owners do whatever comes, and a plain model in storage says what should have counted.
contract Handler is Signing {
    uint256 public constant DEVICES = 8;
    uint256 public constant OWNERS = 3;

    IIdentity public immutable identity;
    IParticipation public immutable book;

    mapping(address => uint256) public attestations;
    mapping(address => uint256) public votesCast;
    mapping(address => uint256) public votesReceived;
    mapping(address => uint256) public lastRoundPlusOne;
    mapping(address => uint256) public lastVotePlusOne;
    mapping(address => address) public ownerEver;
    mapping(address => bool) public ended;

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
        book = deployParticipation(identity);
    }

    function device(uint256 i) public view returns (address) {
        return _addresses[i % DEVICES];
    }

    function owner(uint256 i) public view returns (address) {
        return _owners[i];
    }

    function wait(uint256 time) external {
        vm.warp(block.timestamp + within(time, 1, 30));
    }

    function waitLong(uint256 time) external {
        vm.warp(block.timestamp + within(time, 1, 40 days));
    }

    /// @dev A batch of four, each by a device that may have spoken already, may not be allowed to, or did not sign it.
    function attestBatch(uint256 seed, uint8 back) external {
        uint64 current = book.currentRound();
        uint64 round = current < back % 3 ? current : current - back % 3;
        IParticipation.SignedAttestation[] memory batch = new IParticipation.SignedAttestation[](4);
        uint256 expected;
        for (uint256 i; i < 4; ++i) {
            uint256 draw = uint256(keccak256(abi.encode(seed, i)));
            address who = device(draw);
            batch[i] = signedAttestation(
                address(book), deviceKey(draw), round, bytes32(draw), keccak256(abi.encode(draw))
            );
            if ((draw >> 128) % 5 == 0) {
                batch[i].rolloutDigest ^= bytes32(uint256(1));
            } else if (allowed(who) && round >= lastRoundPlusOne[who]) {
                ++attestations[who];
                ++expected;
                lastRoundPlusOne[who] = round + 1;
            }
        }
        eq(book.attestBatch(round, batch), expected, "accepted");
    }

    function vote(uint256 seed, uint8 back, bool spoil) external {
        uint64 current = book.currentRound();
        uint64 round = current < back % 3 ? current : current - back % 3;
        address who = device(seed);
        address[] memory winners = someDevices(seed >> 16);
        bool counts = allowed(who) && round >= lastVotePlusOne[who] && lastRoundPlusOne[who] != 0
            && winners.length != 0;
        for (uint256 i; i < winners.length; ++i) {
            counts = counts && lastRoundPlusOne[winners[i]] != 0;
        }
        IParticipation.SignedVote[] memory batch = new IParticipation.SignedVote[](1);
        batch[0] = signedVote(address(book), deviceKey(seed), round, winners);
        if (spoil) {
            batch[0].r ^= bytes32(uint256(1));
            counts = false;
        }
        eq(book.voteBatch(batch), counts ? 1 : 0, "vote accepted");
        if (!counts) return;
        ++votesCast[who];
        lastVotePlusOne[who] = round + 1;
        for (uint256 i; i < winners.length; ++i) {
            if (winners[i] != who) ++votesReceived[winners[i]];
        }
    }

    function bind(uint256 whose, uint256 which) external {
        address who = device(which);
        address to = owner(whose % OWNERS);
        IIdentity.Binding memory held = identity.bindingOf(who);
        (IIdentity.Delegation memory d, bytes32 x, bytes32 y) = delegation(identity, to, deviceKey(which));
        bool works = held.owner == address(0)
            || (held.owner == to
                && (held.epoch != d.epoch || (!held.revoked && d.validUntil > held.validUntil)));
        bytes memory o = sign65(0xA000 + (whose % OWNERS), delegationDigest(address(identity), d));
        bytes memory c = sign65(deviceKey(which), consentDigest(address(identity), to, d.epoch));
        try identity.bind(x, y, d, o, c) {
            yes(works, "bound though it should not");
            ownerEver[who] = to;
            ended[who] = false;
        } catch {
            no(works, "not bound though it should");
        }
    }

    function revoke(uint256 which) external {
        address who = device(which);
        if (ownerEver[who] == address(0) || identity.bindingOf(who).revoked) return;
        vm.prank(ownerEver[who]);
        identity.revoke(who);
        ended[who] = true;
    }

    function revokeAll(uint256 whose) external {
        address from = owner(whose % OWNERS);
        vm.prank(from);
        identity.revokeAll();
        for (uint256 i; i < DEVICES; ++i) {
            if (ownerEver[device(i)] == from) ended[device(i)] = true;
        }
    }

    function deviceKey(uint256 i) private pure returns (uint256) {
        return 0xD000 + (i % DEVICES);
    }

    function allowed(address who) private view returns (bool) {
        if (ownerEver[who] == address(0)) return true;
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

contract InvariantTest is Signing {
    Handler private handler;

    function setUp() public {
        vm.warp(1_800_000_000);
        handler = new Handler();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @dev One campaign for all of them: each invariant function would run its own.
    function invariant_records() public view {
        recordsAreWhatWasAccepted();
        neverMoreThanRounds();
        ownersHaveTheirDevicesRecords();
    }

    function recordsAreWhatWasAccepted() private view {
        for (uint256 i; i < handler.DEVICES(); ++i) {
            address who = handler.device(i);
            IParticipation.Record memory r = handler.book().recordOf(who);
            eq(r.attestations, handler.attestations(who), "attestations");
            eq(r.votesCast, handler.votesCast(who), "votes cast");
            eq(r.votesReceived, handler.votesReceived(who), "votes received");
            eq(r.nextRound, handler.lastRoundPlusOne(who), "next round");
            eq(r.nextVote, handler.lastVotePlusOne(who), "next vote");
        }
    }

    function neverMoreThanRounds() private view {
        for (uint256 i; i < handler.DEVICES(); ++i) {
            IParticipation.Record memory r = handler.book().recordOf(handler.device(i));
            yes(r.attestations <= r.nextRound, "attestations");
            yes(r.votesCast <= r.nextVote, "votes");
            yes(r.nextRound <= handler.book().currentRound() + 1, "not in the future");
        }
    }

    function ownersHaveTheirDevicesRecords() private view {
        uint256 listed;
        uint256 bound;
        for (uint256 i; i < handler.OWNERS(); ++i) {
            address owner = handler.owner(i);
            address[] memory devices = handler.identity().devicesOf(owner);
            IParticipation.Record memory r = handler.book().recordOfOwner(owner);
            uint256 attestations;
            uint256 received;
            for (uint256 j; j < devices.length; ++j) {
                eq(handler.ownerEver(devices[j]), owner, "listed under its only owner");
                attestations += handler.attestations(devices[j]);
                received += handler.votesReceived(devices[j]);
            }
            eq(r.attestations, attestations, "attestations");
            eq(r.votesReceived, received, "votes received");
            listed += devices.length;
        }
        for (uint256 i; i < handler.DEVICES(); ++i) {
            if (handler.ownerEver(handler.device(i)) != address(0)) ++bound;
        }
        eq(listed, bound, "each bound device is listed once");
    }
}
